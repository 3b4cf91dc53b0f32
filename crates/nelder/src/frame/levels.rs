//! The levels of a factor, found while the rows go by.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::{OnceLock, RwLock};

use serde::{Deserialize, Serialize};

/// The code of a missing value.
pub const MISSING: u32 = u32::MAX;

/// Value of a level, before it becomes a label; decides how levels sort.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Key {
    /// A string: sorted by byte, as R sorts in the C locale.
    Text(Box<str>),
    /// A number: sorted by value.
    Number(#[serde(with = "written")] f64),
    /// A whole number beyond ±2⁵³: sorted by value among the numbers.
    Whole(#[serde(with = "written")] i128),
}

/// Whole numbers up to this one, and their negatives, are all double precision numbers: 2⁵³.
pub const EXACT: i128 = 1 << 53;

/// Numbers as text, which unlike a JSON number may be infinite, or of any size.
mod written {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<T: Display, S: Serializer>(x: &T, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&x.to_string())
    }

    pub(super) fn deserialize<'d, T: FromStr<Err: Display>, D: Deserializer<'d>>(
        from: D,
    ) -> Result<T, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

impl Key {
    /// The key of a whole number.
    ///
    /// ```
    /// use nelder::frame::Key;
    /// assert_eq!(Key::of_whole(5), Key::Number(5.0));
    /// assert_eq!(Key::of_whole((1 << 53) + 1), Key::Whole((1 << 53) + 1));
    /// ```
    pub fn of_whole(x: i128) -> Key {
        match (-EXACT..=EXACT).contains(&x) {
            true => Key::Number(x as f64),
            false => Key::Whole(x),
        }
    }

    fn hashable(&self) -> HashKey {
        match self {
            Key::Text(s) => HashKey::Text(s.clone()),
            // a large double is the whole number that it is
            Key::Number(x) if x.abs() > EXACT as f64 && x.abs() < i128::MAX as f64 => {
                HashKey::Whole(*x as i128)
            }
            // `-0.0 == 0.0` in R; the two share a level
            Key::Number(x) => HashKey::Number((x + 0.0).to_bits()),
            Key::Whole(x) => HashKey::Whole(*x),
        }
    }
}

#[derive(PartialEq, Eq, Hash)]
enum HashKey {
    Text(Box<str>),
    Number(u64),
    Whole(i128),
}

#[derive(Default)]
struct Inner {
    keys: Vec<Key>,
    index: HashMap<HashKey, u32>,
}

/// An append-only set of levels: a code is given to each level in order of first appearance and never
/// changes, so that a pass may count codes before all levels are known. [`Levels::order`] gives the order
/// in which R would list them.
///
/// ```
/// use nelder::frame::{Key, Levels};
/// let levels = Levels::growing();
/// assert_eq!(levels.intern(&Key::Text("b".into())), 0);
/// assert_eq!(levels.intern(&Key::Text("a".into())), 1);
/// assert_eq!(levels.order(), vec![1, 0]); // "a" first
/// ```
pub struct Levels {
    order: Order,
    /// Numbers are whole: their labels have no exponent.
    whole: bool,
    inner: RwLock<Inner>,
}

/// Computes the order of keys; positions are codes.
type OrderOf = dyn Fn(&[Key]) -> Vec<u32> + Send + Sync;

/// Collation flag of an order computed from other sets: true where one of these is sorted by the process's collation.
type CollatedBy = dyn Fn() -> bool + Send + Sync;

enum Order {
    Sorted,
    Given,
    By(Box<OrderOf>, Option<Box<CollatedBy>>),
}

impl std::fmt::Debug for Levels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Levels({})", self.len())
    }
}

impl Levels {
    /// An empty set that grows; its levels are sorted when asked for.
    pub fn growing() -> Self {
        Levels {
            order: Order::Sorted,
            whole: false,
            inner: RwLock::new(Inner::default()),
        }
    }

    /// An empty set that grows, of whole numbers: R writes the integer `100000L` without an exponent.
    pub fn growing_whole() -> Self {
        Levels {
            whole: true,
            ..Levels::growing()
        }
    }

    /// An empty set that grows, whose order is computed from the keys when asked for (`relevel`,
    /// `interaction`). The function gets the keys by code and gives each code once.
    pub fn growing_in(order: impl Fn(&[Key]) -> Vec<u32> + Send + Sync + 'static) -> Self {
        Levels {
            order: Order::By(Box::new(order), None),
            ..Levels::growing()
        }
    }

    /// The same set where its order rests on others, which tell whether theirs is that of strings in this process.
    pub(crate) fn collated_by(mut self, others: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        if let Order::By(_, collated) = &mut self.order {
            *collated = Some(Box::new(others));
        }
        self
    }

    /// Tests if numbers among the levels are whole and written without exponent.
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// The same set with [`is_whole`](Levels::is_whole) as given.
    pub fn with_whole(mut self, whole: bool) -> Self {
        self.whole = whole;
        self
    }

    /// Levels whose order is given (an R factor, `factor(x, levels = …)`).
    pub fn fixed<S: AsRef<str>>(labels: impl IntoIterator<Item = S>) -> Self {
        let mut levels = Self::growing();
        for label in labels {
            levels.intern(&Key::Text(label.as_ref().into()));
        }
        levels.order = Order::Given;
        levels
    }

    /// Tests if the order of the levels is the order of their codes.
    pub fn is_fixed(&self) -> bool {
        matches!(self.order, Order::Given)
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Inner> {
        // a panic while holding the lock leaves only complete entries behind
        self.inner.read().unwrap_or_else(|e| e.into_inner())
    }

    /// Number of levels so far.
    pub fn len(&self) -> usize {
        self.read().keys.len()
    }

    /// Tests if no level has been seen.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The code of a level, if it is known.
    pub fn code(&self, key: &Key) -> Option<u32> {
        self.read().index.get(&key.hashable()).copied()
    }

    /// The code of a level, added if it is new.
    pub fn intern(&self, key: &Key) -> u32 {
        let hashed = key.hashable();
        if let Some(&code) = self.read().index.get(&hashed) {
            return code;
        }
        let mut inner = self.inner.write().unwrap_or_else(|e| e.into_inner());
        if let Some(&code) = inner.index.get(&hashed) {
            return code;
        }
        let code = inner.keys.len() as u32;
        inner.keys.push(key.clone());
        inner.index.insert(hashed, code);
        code
    }

    /// The key behind a code.
    pub fn key(&self, code: u32) -> Option<Key> {
        self.read().keys.get(code as usize).cloned()
    }

    /// All keys in order of their codes.
    pub fn keys(&self) -> Vec<Key> {
        self.read().keys.clone()
    }

    /// The keys of the codes from `code` on.
    pub fn keys_from(&self, code: u32) -> Vec<Key> {
        self.read().keys.get(code as usize..).unwrap_or_default().to_vec()
    }

    /// The label of a key of this set: a string as it is, a number as R's `as.character` prints it.
    pub fn label_of(&self, key: &Key) -> String {
        match key {
            Key::Text(s) => s.to_string(),
            Key::Number(x) if self.whole && x.fract() == 0.0 => format!("{}", x + 0.0),
            Key::Number(x) => crate::frame::number_label(*x),
            Key::Whole(x) => x.to_string(),
        }
    }

    /// The label of a code.
    pub fn label(&self, code: u32) -> Option<String> {
        self.key(code).map(|key| self.label_of(&key))
    }

    /// The label of each code: strings as they are, numbers as R's `as.character` prints them.
    pub fn labels(&self) -> Vec<String> {
        self.read().keys.iter().map(|k| self.label_of(k)).collect()
    }

    /// Tests if strings among the levels have no order but the process's.
    pub fn is_collated(&self) -> bool {
        match &self.order {
            Order::Sorted => self.read().keys.iter().any(|k| matches!(k, Key::Text(_))),
            Order::Given | Order::By(_, None) => false,
            Order::By(_, Some(others)) => others(),
        }
    }

    /// Codes in the order in which R lists the levels: as given when fixed, else numbers by value and strings
    /// by byte (or as [`set_collation`] has it), unless the set has an order of its own.
    pub fn order(&self) -> Vec<u32> {
        match &self.order {
            Order::Given => (0..self.len() as u32).collect(),
            Order::Sorted => sorted(&self.read().keys),
            // the keys are copied: the function may read other sets
            Order::By(order, _) => order(&self.keys()),
        }
    }
}

/// Comparison of two strings, for strings to which the data give no order.
pub type Collation = fn(&str, &str) -> Ordering;

static COLLATION: OnceLock<Collation> = OnceLock::new();

/// Sets the order of strings for this process, as a locale does for R: by byte (R's C locale) unless it is set. Call it before
/// anything is read; only the first call counts, and `false` says that there was one before.
pub fn set_collation(collation: Collation) -> bool {
    COLLATION.set(collation).is_ok()
}

/// Compares two strings in the order of this process; those that are equal in it compare by byte.
pub(crate) fn collated(a: &str, b: &str) -> Ordering {
    let by_byte = || a.as_bytes().cmp(b.as_bytes());
    match COLLATION.get() {
        None => by_byte(),
        Some(compare) => compare(a, b).then_with(by_byte),
    }
}

fn sorted(keys: &[Key]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..keys.len() as u32).collect();
    order.sort_by(|&a, &b| match (&keys[a as usize], &keys[b as usize]) {
        (Key::Number(x), Key::Number(y)) => x.total_cmp(y),
        (Key::Whole(x), Key::Whole(y)) => x.cmp(y),
        (Key::Number(x), Key::Whole(y)) => beside_whole(*x, *y),
        (Key::Whole(x), Key::Number(y)) => beside_whole(*y, *x).reverse(),
        (Key::Text(x), Key::Text(y)) => collated(x, y),
        (_, Key::Text(_)) => Ordering::Less,
        (Key::Text(_), _) => Ordering::Greater,
    });
    order
}

/// Compares a number with a whole one beyond ±2⁵³, where every double is whole.
pub(crate) fn beside_whole(x: f64, y: i128) -> Ordering {
    match x.abs() < i128::MAX as f64 {
        true => (x as i128).cmp(&y),
        false => x.total_cmp(&0.0),
    }
}
