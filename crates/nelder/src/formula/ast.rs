//! R's expressions as a tree.

/// A binary operator, `+` to `|`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Binary {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `^` (also written `**`)
    Pow,
    /// `:`
    Colon,
    /// `%in%`
    In,
    /// `%%`
    Mod,
    /// `%/%`
    IntDiv,
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `&` (also `&&`)
    And,
    /// `|` (also `||`)
    Or,
}

/// A unary operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unary {
    /// `-`
    Neg,
    /// `+`
    Plus,
    /// `!`
    Not,
}

/// An argument of a call, with its name if it has one.
#[derive(Clone, Debug, PartialEq)]
pub struct Arg {
    /// `df` in `ns(x, df = 3)`.
    pub name: Option<String>,
    /// The value.
    pub value: Expr,
}

/// The value of a function of all rows.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Resolved {
    /// Numbers, all finite: of `mean(x)`, `quantile(x)`.
    Numbers(Vec<f64>),
    /// Levels in an order: of `reorder(g, x)`.
    Levels {
        /// The labels in their order.
        labels: Vec<String>,
        /// True if the factor is ordered.
        ordered: bool,
    },
}

/// An R expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// A number; `integer` for `5L`.
    Number {
        /// The value.
        value: f64,
        /// True if it was written with `L`.
        integer: bool,
    },
    /// A whole number of more digits than R prints of a double.
    Whole(i128),
    /// A string.
    Text(String),
    /// `TRUE` or `FALSE`.
    Logical(bool),
    /// `NA`.
    Missing,
    /// `NULL`.
    Null,
    /// A name; back-ticks removed.
    Name(String),
    /// An expression that someone else has evaluated: columns of the data stand for it. The parser never makes one.
    Evaluated {
        /// Text of the expression, as it prints.
        text: String,
        /// The columns of the data that hold its values: one, or those of a matrix.
        columns: Vec<String>,
        /// Suffixes that the columns of a matrix append to the text.
        suffixes: Vec<String>,
    },
    /// A call whose value for all rows is known, such as `mean(x)`. The parser never makes one.
    Resolved {
        /// The call, which prints.
        call: Box<Expr>,
        /// Its value.
        value: Resolved,
    },
    /// `function(args)`.
    Call {
        /// The function's name; `c`, `poly`, …; `stats::poly` is `poly`.
        function: String,
        /// Its arguments in order.
        args: Vec<Arg>,
    },
    /// A prefix operator.
    Unary(Unary, Box<Expr>),
    /// An infix operator.
    Binary(Binary, Box<Expr>, Box<Expr>),
    /// `(expr)`.
    Paren(Box<Expr>),
}

/// `response ~ predictors`.
///
/// ```
/// use nelder::formula::parse_formula;
/// let formula = parse_formula("log(y)~x+a:b # a comment")?;
/// assert_eq!(formula.to_string(), "log(y) ~ x + a:b");
/// # Ok::<(), nelder::formula::SyntaxError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Formula {
    /// The left side, `None` for `~ x`.
    pub response: Option<Expr>,
    /// The right side.
    pub predictors: Expr,
    /// The formula as it was written.
    pub text: String,
}

impl Formula {
    /// A formula from its two sides; `text` is what it prints as.
    pub fn new(response: Option<Expr>, predictors: Expr) -> Self {
        let mut formula = Formula {
            response,
            predictors,
            text: String::new(),
        };
        formula.text = formula.to_string();
        formula
    }
}
