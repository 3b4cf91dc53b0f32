//! R's tokens.

use super::Binary;
use crate::frame::number_label;

/// Kind of a token, with its value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind {
    Number {
        value: f64,
        integer: bool,
    },
    /// A whole number of more digits than R prints of a double.
    Whole(i128),
    Text(String),
    /// A name; `quoted` when it stood in back-ticks (and is then never a keyword).
    Name {
        name: String,
        quoted: bool,
    },
    Binary(Binary),
    Not,
    Tilde,
    Open,
    Close,
    Comma,
    Assign,
    Package,
    End,
    /// Something that is no token here; the message says what to do.
    Bad(String),
}

/// A token and the bytes of the text it covers.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub kind: TokenKind,
    pub start: usize,
    pub end: usize,
}

/// All tokens of a text; the last is `End` or the first `Bad`.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut lexer = Lexer { text, at: 0 };
    let mut out = Vec::new();
    loop {
        lexer.skip_blanks();
        let start = lexer.at;
        let kind = match lexer.next() {
            Ok(kind) => kind,
            Err((offset, message)) => {
                out.push(Token {
                    kind: TokenKind::Bad(message),
                    start: offset,
                    end: lexer.at.max(offset),
                });
                return out;
            }
        };
        let last = kind == TokenKind::End;
        out.push(Token {
            kind,
            start,
            end: lexer.at,
        });
        if last {
            return out;
        }
    }
}

/// Tests if a character may stand inside a name without back-ticks.
pub(super) fn continues_name(c: char) -> bool {
    // combining accents belong to the letter before them
    c.is_alphanumeric() || c == '.' || c == '_' || ('\u{300}'..='\u{36f}').contains(&c)
}

/// Tests if a name needs no back-ticks (R's `make.names(x) == x`).
pub(super) fn is_syntactic(name: &str) -> bool {
    let mut chars = name.chars();
    let Some(first) = chars.next() else { return false };
    let starts =
        first.is_alphabetic() || (first == '.' && !chars.clone().next().is_some_and(|c| c.is_ascii_digit()));
    starts && chars.all(continues_name) && !is_reserved(name)
}

/// R's reserved words (`?Reserved`).
pub(super) fn is_reserved(name: &str) -> bool {
    matches!(
        name,
        "if" | "else"
            | "repeat"
            | "while"
            | "function"
            | "for"
            | "next"
            | "break"
            | "in"
            | "TRUE"
            | "FALSE"
            | "NULL"
            | "Inf"
            | "NaN"
            | "NA"
            | "NA_integer_"
            | "NA_real_"
            | "NA_character_"
            | "NA_complex_"
            | "..."
    )
}

type Fault = (usize, String);

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn eat(&mut self, prefix: &str) -> bool {
        let hit = self.rest().starts_with(prefix);
        if hit {
            self.at += prefix.len();
        }
        hit
    }

    fn skip_while(&mut self, keep: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&keep) {
            self.bump();
        }
    }

    fn skip_blanks(&mut self) {
        loop {
            self.skip_while(char::is_whitespace);
            if self.peek() != Some('#') {
                return;
            }
            self.skip_while(|c| c != '\n');
        }
    }

    fn next(&mut self) -> Result<TokenKind, Fault> {
        let start = self.at;
        let Some(c) = self.peek() else {
            return Ok(TokenKind::End);
        };
        let digit_next = self.rest().chars().nth(1).is_some_and(|d| d.is_ascii_digit());
        if c.is_ascii_digit() || (c == '.' && digit_next) {
            return self.number();
        }
        if (c == 'r' || c == 'R') && matches!(self.rest().as_bytes().get(1), Some(b'"' | b'\'')) {
            return self.raw_text();
        }
        if c.is_alphabetic() || c == '.' {
            self.skip_while(continues_name);
            let name = self.text[start..self.at].to_string();
            return Ok(TokenKind::Name { name, quoted: false });
        }
        if c == '"' || c == '\'' {
            return Ok(TokenKind::Text(self.quoted(c)?));
        }
        if c == '`' {
            let name = self.quoted('`')?;
            if name.is_empty() {
                return Err((start, "the name between the back-ticks is empty".into()));
            }
            return Ok(TokenKind::Name { name, quoted: true });
        }
        if c == '%' {
            return self.percent();
        }
        self.symbol()
    }

    fn symbol(&mut self) -> Result<TokenKind, Fault> {
        let start = self.at;
        // longest first
        const SYMBOLS: [(&str, Result<TokenKind, &str>); 43] = [
            ("<<-", Err("`<<-` is an assignment; a formula has none")),
            (
                "<-",
                Err("`<-` is an assignment in R; for `less than minus` leave a blank: `< -`"),
            ),
            ("->", Err("`->` is an assignment; a formula has none")),
            (":::", Ok(TokenKind::Package)),
            ("::", Ok(TokenKind::Package)),
            (":=", Err("`:=` is not part of a formula")),
            ("|>", Err("the pipe `|>` is not supported; write the call `f(x)`")),
            ("**", Ok(TokenKind::Binary(Binary::Pow))),
            ("&&", Ok(TokenKind::Binary(Binary::And))),
            ("||", Ok(TokenKind::Binary(Binary::Or))),
            ("<=", Ok(TokenKind::Binary(Binary::Le))),
            (">=", Ok(TokenKind::Binary(Binary::Ge))),
            ("==", Ok(TokenKind::Binary(Binary::Eq))),
            ("!=", Ok(TokenKind::Binary(Binary::Ne))),
            ("+", Ok(TokenKind::Binary(Binary::Add))),
            ("-", Ok(TokenKind::Binary(Binary::Sub))),
            ("*", Ok(TokenKind::Binary(Binary::Mul))),
            ("/", Ok(TokenKind::Binary(Binary::Div))),
            ("^", Ok(TokenKind::Binary(Binary::Pow))),
            (":", Ok(TokenKind::Binary(Binary::Colon))),
            ("<", Ok(TokenKind::Binary(Binary::Lt))),
            (">", Ok(TokenKind::Binary(Binary::Gt))),
            ("&", Ok(TokenKind::Binary(Binary::And))),
            ("|", Ok(TokenKind::Binary(Binary::Or))),
            ("!", Ok(TokenKind::Not)),
            ("~", Ok(TokenKind::Tilde)),
            ("(", Ok(TokenKind::Open)),
            (")", Ok(TokenKind::Close)),
            (",", Ok(TokenKind::Comma)),
            ("=", Ok(TokenKind::Assign)),
            (
                "[",
                Err("`[` is not supported in a formula; make a column of the part you need"),
            ),
            ("]", Err("`]` without `[`")),
            ("{", Err("`{` is not supported in a formula")),
            ("}", Err("`}` without `{`")),
            (
                "$",
                Err("`$` is not supported; name the column alone, the data are given separately"),
            ),
            ("@", Err("`@` is not supported in a formula")),
            (
                ";",
                Err("`;` is not part of a formula; give one formula at a time"),
            ),
            ("?", Err("`?` is not part of a formula")),
            (
                "\\",
                Err("`\\` starts a function in R; functions cannot be defined in a formula"),
            ),
            ("_", Err("a name cannot start with `_`; put it in back-ticks")),
            ("\u{2212}", Err("this is a typographic minus sign; write `-`")),
            ("\u{201c}", Err("this is a typographic quote; write `\"`")),
            ("\u{201d}", Err("this is a typographic quote; write `\"`")),
        ];
        for (symbol, kind) in SYMBOLS {
            if self.eat(symbol) {
                return kind.map_err(|message| (start, message.to_string()));
            }
        }
        let c = self.bump().unwrap_or(' ');
        Err((start, format!("the character {c:?} has no meaning in a formula")))
    }

    fn percent(&mut self) -> Result<TokenKind, Fault> {
        let start = self.at;
        self.bump();
        self.skip_while(|c| c != '%' && c != '\n');
        if !self.eat("%") {
            return Err((
                start,
                "the operator that starts with `%` has no second `%`".into(),
            ));
        }
        match &self.text[start..self.at] {
            "%in%" => Ok(TokenKind::Binary(Binary::In)),
            "%%" => Ok(TokenKind::Binary(Binary::Mod)),
            "%/%" => Ok(TokenKind::Binary(Binary::IntDiv)),
            other => Err((
                start,
                format!("the operator `{other}` is not known; known are `%in%`, `%%` and `%/%`"),
            )),
        }
    }

    fn number(&mut self) -> Result<TokenKind, Fault> {
        let start = self.at;
        let value = if self.eat("0x") || self.eat("0X") {
            let digits = self.at;
            self.skip_while(|c| c.is_ascii_hexdigit());
            if digits == self.at {
                return Err((start, "expected hexadecimal digits after `0x`".into()));
            }
            let digit = |c: char| f64::from(c.to_digit(16).unwrap_or(0));
            self.text[digits..self.at]
                .chars()
                .fold(0.0, |sum, c| 16.0 * sum + digit(c))
        } else {
            self.skip_while(|c| c.is_ascii_digit());
            if self.eat(".") {
                self.skip_while(|c| c.is_ascii_digit());
            }
            if matches!(self.peek(), Some('e' | 'E')) {
                self.bump();
                if matches!(self.peek(), Some('+' | '-')) {
                    self.bump();
                }
                let digits = self.at;
                self.skip_while(|c| c.is_ascii_digit());
                if digits == self.at {
                    return Err((self.at, "expected the digits of the exponent".into()));
                }
            }
            let number = &self.text[start..self.at];
            number
                .parse()
                .map_err(|_| (start, format!("`{number}` is not a number")))?
        };
        let whole = self.text[start..self.at].parse().ok().filter(|&x| is_long(x));
        let mut integer = false;
        if self.eat("L") {
            // as in R, `1e10L` and `1.5L` are ordinary numbers
            integer = value.fract() == 0.0 && value <= f64::from(i32::MAX);
        }
        match self.peek() {
            Some('i') => Err((start, "complex numbers are not supported".into())),
            Some(c) if continues_name(c) => {
                let number = &self.text[start..self.at];
                Err((
                    self.at,
                    format!("expected an operator after `{number}`; a name cannot start with a digit"),
                ))
            }
            _ => Ok(whole.map_or(TokenKind::Number { value, integer }, TokenKind::Whole)),
        }
    }

    fn raw_text(&mut self) -> Result<TokenKind, Fault> {
        let start = self.at;
        self.bump();
        let quote = self.bump().unwrap_or('"');
        let dashes = self.rest().len() - self.rest().trim_start_matches('-').len();
        self.at += dashes;
        let close = match self.bump() {
            Some('(') => ')',
            Some('[') => ']',
            Some('{') => '}',
            _ => return Err((start, "a raw string looks like r\"(text)\"".into())),
        };
        let end = format!("{close}{}{quote}", "-".repeat(dashes));
        match self.rest().find(&end) {
            Some(length) => {
                let value = self.rest()[..length].to_string();
                self.at += length + end.len();
                Ok(TokenKind::Text(value))
            }
            None => Err((start, format!("the raw string has no end `{end}`"))),
        }
    }

    /// A string or a name in back-ticks, with its escapes undone.
    fn quoted(&mut self, quote: char) -> Result<String, Fault> {
        let start = self.at;
        self.bump();
        let mut out = String::new();
        loop {
            let at = self.at;
            match self.bump() {
                None if quote == '`' => return Err((start, "the name has no closing back-tick".into())),
                None => return Err((start, format!("the string has no closing {quote}"))),
                Some('\0') => return Err((at, "a string cannot hold the character NUL".into())),
                Some(c) if c == quote => return Ok(out),
                Some('\\') => out.push(self.escape(at)?),
                Some(c) => out.push(c),
            }
        }
    }

    fn escape(&mut self, start: usize) -> Result<char, Fault> {
        let code = match self.bump() {
            Some('n') => return Ok('\n'),
            Some('t') => return Ok('\t'),
            Some('r') => return Ok('\r'),
            Some('a') => return Ok('\u{7}'),
            Some('b') => return Ok('\u{8}'),
            Some('f') => return Ok('\u{c}'),
            Some('v') => return Ok('\u{b}'),
            Some(c @ ('\\' | '"' | '\'' | '`' | ' ' | '\n')) => return Ok(c),
            Some('x') => self.digits(16, 2),
            Some(c @ ('u' | 'U')) => {
                let most = if c == 'u' { 4 } else { 8 };
                let braces = self.eat("{");
                let code = self.digits(16, most);
                if braces && !self.eat("}") {
                    return Err((start, "the escape has no closing `}`".into()));
                }
                code
            }
            Some('0'..='7') => {
                self.at -= 1;
                self.digits(8, 3)
            }
            Some(c) => {
                return Err((
                    start,
                    format!("`\\{c}` is not an escape; write `\\\\` for a backslash"),
                ));
            }
            None => return Err((start, "the string ends in the middle of an escape".into())),
        };
        code.and_then(char::from_u32)
            .filter(|&c| c != '\0')
            .ok_or_else(|| (start, "the escape names no character".into()))
    }

    fn digits(&mut self, radix: u32, most: usize) -> Option<u32> {
        let start = self.at;
        while self.at - start < most && self.peek().is_some_and(|c| c.is_digit(radix)) {
            self.at += 1;
        }
        u32::from_str_radix(&self.text[start..self.at], radix).ok()
    }
}

/// Tests if a whole number has more digits than R prints of a double.
fn is_long(x: i128) -> bool {
    let printed: Option<f64> = number_label(x as f64).parse().ok();
    printed.is_none_or(|p| p as i128 != x)
}
