//! From text to a formula: R's grammar and precedence.

use std::fmt;

use super::deparse::precedence as level;
use super::lex::{Token, TokenKind, tokens};
use super::{Arg, Binary, Expr, Formula, Unary};

/// Maximum depth of nested parentheses, calls and prefix operators.
const MAX_NESTING: usize = 200;
/// Maximum height of the tree of a chain of formula operators, `a + b + c + …`.
const MAX_CHAIN: usize = 5_000;
/// Maximum height of the tree of an expression that is evaluated.
const MAX_HEIGHT: usize = 400;

/// A text that is not a formula: what was expected, and where.
///
/// ```
/// use nelder::formula::parse_formula;
/// let error = parse_formula("y ~ x + * z").unwrap_err();
/// assert_eq!(error.offset, 8);
/// assert_eq!(
///     error.to_string(),
///     "expected a variable, a number or a call, found `*`\n  y ~ x + * z\n          ^"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Error message: the fault, and what was expected.
    pub message: String,
    /// The byte of `text` at which it is wrong; its length for the end.
    pub offset: usize,
    /// The whole text.
    pub text: String,
}

impl std::error::Error for SyntaxError {}

/// Characters of a long line shown on either side of the caret.
const WINDOW: usize = 60;

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offset = self.offset.min(self.text.len());
        let (before, after) = self.text.split_at_checked(offset).unwrap_or((&self.text, ""));
        let before = before.rsplit('\n').next().unwrap_or("");
        let after = after.split('\n').next().unwrap_or("");
        let visible = |c: char| if c.is_control() { ' ' } else { c };
        let column = before.chars().count();
        let skip = column.saturating_sub(WINDOW);
        let left: String = before.chars().skip(skip).map(visible).collect();
        let right: String = after.chars().take(WINDOW).map(visible).collect();
        let (open, close) = (
            if skip > 0 { "…" } else { "" },
            if after.chars().nth(WINDOW).is_some() {
                "…"
            } else {
                ""
            },
        );
        let indent = " ".repeat(open.chars().count() + left.chars().count());
        write!(
            f,
            "{}\n  {open}{left}{}{close}\n  {indent}^",
            self.message,
            right.trim_end()
        )
    }
}

/// Parses `response ~ predictors` or `~ predictors`.
///
/// The language is R's: `^` (also `**`), unary minus, `:`, `%in%` `%%` `%/%`, `* /`, `+ -`, comparison, `!`,
/// `&`, `|`, from tight to loose; numbers, strings, names, calls. `pkg::f(x)` is `f(x)`.
///
/// # Errors
/// [`SyntaxError`] with the place, also where the text is nested more than 200 deep.
pub fn parse_formula(text: &str) -> Result<Formula, SyntaxError> {
    let mut parser = Parser::new(text, true);
    let left = match parser.kind() {
        TokenKind::Tilde => None,
        _ => {
            let node = parser.expression(0)?;
            // the response is evaluated as a whole, unlike the sum on the right
            Some(parser.grown(node.expr, node.height, MAX_HEIGHT)?.expr)
        }
    };
    match parser.kind() {
        TokenKind::Tilde => parser.advance(),
        TokenKind::End => {
            return Err(parser.fault("a formula needs `~` between response and predictors: `y ~ x`".into()));
        }
        _ => return Err(parser.unexpected("an operator or `~`")),
    }
    let predictors = parser.expression(0)?.expr;
    match parser.kind() {
        TokenKind::End => Ok(Formula {
            response: left,
            predictors,
            text: text.trim().to_string(),
        }),
        TokenKind::Tilde => Err(parser.fault("a formula has one `~`; this is the second".into())),
        _ => Err(parser.unexpected("an operator or the end of the formula")),
    }
}

/// Parses one expression, such as the one given for weights or a subset.
///
/// ```
/// use nelder::formula::parse_expression;
/// assert_eq!(parse_expression("-x^2+ f(z,df=3L)")?.to_string(), "-x^2 + f(z, df = 3L)");
/// # Ok::<(), nelder::formula::SyntaxError>(())
/// ```
///
/// # Errors
/// [`SyntaxError`] with the place.
pub fn parse_expression(text: &str) -> Result<Expr, SyntaxError> {
    let mut parser = Parser::new(text, false);
    let node = parser.expression(0)?;
    match parser.kind() {
        TokenKind::End => Ok(node.expr),
        TokenKind::Tilde => Err(parser.fault("`~` makes a formula; here an expression is expected".into())),
        _ => Err(parser.unexpected("an operator or the end")),
    }
}

/// An expression and the height of its tree.
struct Node {
    expr: Expr,
    height: usize,
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    nesting: usize,
    formula: bool,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, formula: bool) -> Self {
        Parser {
            text,
            tokens: tokens(text),
            at: 0,
            nesting: 0,
            formula,
        }
    }

    /// The token `ahead` of the current one; past the end, the last one (`End` or `Bad`).
    fn token(&self, ahead: usize) -> &Token {
        const END: &Token = &Token {
            kind: TokenKind::End,
            start: 0,
            end: 0,
        };
        self.tokens
            .get(self.at + ahead)
            .or(self.tokens.last())
            .unwrap_or(END)
    }

    fn kind(&self) -> &TokenKind {
        &self.token(0).kind
    }

    fn advance(&mut self) {
        self.at += 1;
    }

    fn fault(&self, message: String) -> SyntaxError {
        let token = self.token(0);
        let message = match &token.kind {
            TokenKind::Bad(message) => message.clone(),
            _ => message,
        };
        SyntaxError {
            // Text of the formula inside the message may hold line breaks.
            message: message.replace(|c: char| c.is_control(), " "),
            offset: token.start,
            text: self.text.to_string(),
        }
    }

    fn unexpected(&self, expected: &str) -> SyntaxError {
        let token = self.token(0);
        let found = match &token.kind {
            TokenKind::End if self.formula => "the end of the formula".to_string(),
            TokenKind::End => "the end".to_string(),
            _ => {
                let source = self.text.get(token.start..token.end).unwrap_or("");
                let short: String = source.chars().take(40).collect();
                format!("`{short}{}`", if short.len() < source.len() { "…" } else { "" })
            }
        };
        self.fault(format!("expected {expected}, found {found}"))
    }

    fn grown(&self, expr: Expr, below: usize, limit: usize) -> Result<Node, SyntaxError> {
        if below >= limit {
            let message =
                format!("more than {limit} operators in a row; put parts into parentheses, or use `.`");
            return Err(self.fault(message));
        }
        Ok(Node {
            expr,
            height: below + 1,
        })
    }

    fn expression(&mut self, min: u8) -> Result<Node, SyntaxError> {
        if self.nesting >= MAX_NESTING {
            return Err(self.fault(format!("nested more than {MAX_NESTING} deep")));
        }
        self.nesting += 1;
        let node = self.infix(min);
        self.nesting -= 1;
        node
    }

    fn infix(&mut self, min: u8) -> Result<Node, SyntaxError> {
        let mut left = self.prefix()?;
        let mut compared = false;
        while let TokenKind::Binary(op) = *self.kind() {
            let binding = level::of(op);
            if binding < min {
                break;
            }
            if compared && binding == level::COMPARE {
                return Err(self.fault("comparisons cannot be chained; combine two with `&`".into()));
            }
            compared = binding == level::COMPARE;
            self.advance();
            // `^` groups to the right, all others to the left
            let right = self.expression(if op == Binary::Pow { binding } else { binding + 1 })?;
            let below = left.height.max(right.height);
            let limit = if is_model_operator(op) && self.formula {
                MAX_CHAIN
            } else {
                MAX_HEIGHT
            };
            left = self.grown(
                Expr::Binary(op, Box::new(left.expr), Box::new(right.expr)),
                below,
                limit,
            )?;
        }
        Ok(left)
    }

    fn prefix(&mut self) -> Result<Node, SyntaxError> {
        let op = match self.kind() {
            TokenKind::Binary(Binary::Sub) => Unary::Neg,
            TokenKind::Binary(Binary::Add) => Unary::Plus,
            TokenKind::Not => Unary::Not,
            _ => return self.primary(),
        };
        self.advance();
        let operand = self.expression(level::of_unary(op))?;
        let limit = if op == Unary::Not { MAX_HEIGHT } else { MAX_CHAIN };
        self.grown(Expr::Unary(op, Box::new(operand.expr)), operand.height, limit)
    }

    fn primary(&mut self) -> Result<Node, SyntaxError> {
        let expr = match self.kind().clone() {
            TokenKind::Number { value, integer } => Expr::Number { value, integer },
            TokenKind::Whole(value) => Expr::Whole(value),
            TokenKind::Text(text) => Expr::Text(text),
            TokenKind::Name { name, quoted } => return self.name(name, quoted),
            TokenKind::Open => {
                self.advance();
                let inner = self.expression(0)?;
                if *self.kind() == TokenKind::Tilde {
                    return Err(self.fault("`~` cannot stand inside parentheses".into()));
                }
                if *self.kind() != TokenKind::Close {
                    return Err(self.unexpected("an operator or `)`"));
                }
                self.advance();
                return self.grown(Expr::Paren(Box::new(inner.expr)), inner.height, MAX_CHAIN);
            }
            _ => return Err(self.unexpected("a variable, a number or a call")),
        };
        self.advance();
        if *self.kind() == TokenKind::Open {
            return Err(self.fault("expected an operator before `(`: only a name can be called".into()));
        }
        Ok(Node { expr, height: 1 })
    }

    fn name(&mut self, name: String, quoted: bool) -> Result<Node, SyntaxError> {
        if !quoted && let Some(message) = keyword_fault(&name) {
            return Err(self.fault(message.into()));
        }
        self.advance();
        match self.kind() {
            TokenKind::Package => {
                self.advance();
                let TokenKind::Name { name, .. } = self.kind().clone() else {
                    return Err(self.unexpected("the name of a function"));
                };
                self.advance();
                if *self.kind() != TokenKind::Open {
                    return Err(self.unexpected("`(` after the name of a package's function"));
                }
                self.call(name)
            }
            TokenKind::Open => self.call(name),
            _ => {
                let constant = if quoted { None } else { constant(&name) };
                Ok(Node {
                    expr: constant.unwrap_or(Expr::Name(name)),
                    height: 1,
                })
            }
        }
    }

    fn call(&mut self, function: String) -> Result<Node, SyntaxError> {
        self.advance();
        let mut args = Vec::new();
        let mut below = 0;
        if *self.kind() != TokenKind::Close {
            loop {
                let name = self.argument_name();
                if matches!(self.kind(), TokenKind::Comma | TokenKind::Close) {
                    return Err(self.unexpected(&format!("an argument of `{function}`")));
                }
                let value = self.expression(0)?;
                below = below.max(value.height);
                args.push(Arg {
                    name,
                    value: value.expr,
                });
                match self.kind() {
                    TokenKind::Comma => self.advance(),
                    TokenKind::Close => break,
                    TokenKind::Tilde => return Err(self.fault("`~` cannot stand inside a call".into())),
                    TokenKind::Assign => {
                        return Err(self.fault("expected `==` to compare, or a name before `=`".into()));
                    }
                    _ => {
                        return Err(
                            self.unexpected(&format!("an operator, `,` or `)` in the call of `{function}`"))
                        );
                    }
                }
            }
        }
        self.advance();
        if *self.kind() == TokenKind::Open {
            return Err(self.fault("expected an operator before `(`: only a name can be called".into()));
        }
        let expr = as_operator(function, args);
        self.grown(expr, below, MAX_HEIGHT)
    }

    fn argument_name(&mut self) -> Option<String> {
        let name = match (self.kind(), &self.token(1).kind) {
            (TokenKind::Name { name, .. } | TokenKind::Text(name), TokenKind::Assign) if !name.is_empty() => {
                name.clone()
            }
            _ => return None,
        };
        self.advance();
        self.advance();
        Some(name)
    }
}

fn is_model_operator(op: Binary) -> bool {
    use Binary::{Add, Colon, Div, In, Mul, Sub};
    matches!(op, Add | Sub | Mul | Div | Colon | In)
}

fn constant(name: &str) -> Option<Expr> {
    let number = |value| Expr::Number {
        value,
        integer: false,
    };
    Some(match name {
        "TRUE" => Expr::Logical(true),
        "FALSE" => Expr::Logical(false),
        "NULL" => Expr::Null,
        "NA" | "NA_integer_" | "NA_real_" | "NA_character_" => Expr::Missing,
        "Inf" => number(f64::INFINITY),
        "NaN" => number(f64::NAN),
        _ => return None,
    })
}

fn keyword_fault(name: &str) -> Option<&'static str> {
    match name {
        "if" | "else" => Some("`if` is not supported in a formula; use `ifelse(test, yes, no)`"),
        "function" => Some("functions cannot be defined in a formula"),
        "repeat" | "while" | "for" | "next" | "break" | "in" => {
            Some("this word is reserved in R; put it in back-ticks if it names a column")
        }
        "..." => Some("`...` is not supported in a formula"),
        "NA_complex_" => Some("complex numbers are not supported"),
        _ => None,
    }
}

/// `` `+`(a, b) `` is `a + b` in R.
fn as_operator(function: String, mut args: Vec<Arg>) -> Expr {
    let named = args.iter().any(|arg| arg.name.is_some());
    let unary = match function.as_str() {
        "-" => Some(Unary::Neg),
        "+" => Some(Unary::Plus),
        "!" => Some(Unary::Not),
        _ => None,
    };
    match (args.len(), unary, level::binary_named(&function)) {
        (2, _, Some(op)) if !named => {
            let right = args.pop().map(|arg| arg.value).unwrap_or(Expr::Null);
            let left = args.pop().map(|arg| arg.value).unwrap_or(Expr::Null);
            Expr::Binary(op, Box::new(left), Box::new(right))
        }
        (1, Some(op), _) if !named => Expr::Unary(
            op,
            Box::new(args.pop().map(|arg| arg.value).unwrap_or(Expr::Null)),
        ),
        (1, ..) if !named && function == "(" => {
            Expr::Paren(Box::new(args.pop().map(|arg| arg.value).unwrap_or(Expr::Null)))
        }
        _ => Expr::Call { function, args },
    }
}
