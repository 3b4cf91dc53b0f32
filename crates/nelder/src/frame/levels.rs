//! The levels of a factor, found while the rows go by.

use std::collections::HashMap;
use std::sync::RwLock;

/// The code of a missing value.
pub const MISSING: u32 = u32::MAX;

/// What a level is before it becomes a label; decides how levels sort.
#[derive(Clone, Debug, PartialEq)]
pub enum Key {
    /// A string: sorted by byte, as R sorts in the C locale.
    Text(Box<str>),
    /// A number: sorted by value.
    Number(f64),
}

impl Key {
    fn hashable(&self) -> HashKey {
        match self {
            Key::Text(s) => HashKey::Text(s.clone()),
            // `-0.0 == 0.0` in R; the two share a level
            Key::Number(x) => HashKey::Number((x + 0.0).to_bits()),
        }
    }
}

#[derive(PartialEq, Eq, Hash)]
enum HashKey {
    Text(Box<str>),
    Number(u64),
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
    fixed: bool,
    inner: RwLock<Inner>,
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
            fixed: false,
            inner: RwLock::new(Inner::default()),
        }
    }

    /// Levels whose order is given (an R factor, `factor(x, levels = …)`).
    pub fn fixed<S: AsRef<str>>(labels: impl IntoIterator<Item = S>) -> Self {
        let mut levels = Self::growing();
        for label in labels {
            levels.intern(&Key::Text(label.as_ref().into()));
        }
        levels.fixed = true;
        levels
    }

    /// Whether the order of the levels is the order of their codes.
    pub fn is_fixed(&self) -> bool {
        self.fixed
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Inner> {
        // a panic while holding the lock leaves only complete entries behind
        self.inner.read().unwrap_or_else(|e| e.into_inner())
    }

    /// Number of levels so far.
    pub fn len(&self) -> usize {
        self.read().keys.len()
    }

    /// Whether no level has been seen.
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

    /// The label of each code: strings as they are, numbers as R's `as.character` prints them.
    pub fn labels(&self) -> Vec<String> {
        self.read()
            .keys
            .iter()
            .map(|k| match k {
                Key::Text(s) => s.to_string(),
                Key::Number(x) => crate::frame::number_label(*x),
            })
            .collect()
    }

    /// Codes in the order in which R lists the levels: as given when fixed, else numbers by value and strings
    /// by byte.
    pub fn order(&self) -> Vec<u32> {
        let inner = self.read();
        let mut order: Vec<u32> = (0..inner.keys.len() as u32).collect();
        if !self.fixed {
            order.sort_by(
                |&a, &b| match (&inner.keys[a as usize], &inner.keys[b as usize]) {
                    (Key::Number(x), Key::Number(y)) => x.total_cmp(y),
                    (Key::Text(x), Key::Text(y)) => x.as_bytes().cmp(y.as_bytes()),
                    (Key::Number(_), Key::Text(_)) => std::cmp::Ordering::Less,
                    (Key::Text(_), Key::Number(_)) => std::cmp::Ordering::Greater,
                },
            );
        }
        order
    }
}
