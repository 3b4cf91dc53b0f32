//! Combinations of several factors' codes as one code.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::RwLock;

/// Gives each combination of codes that appears a code of its own, in order of appearance. One factor alone
/// keeps its codes.
#[derive(Debug)]
pub struct Combinations {
    members: usize,
    // pairs (combination so far, next code); one level for each factor after the first
    chain: Vec<RwLock<Pairs>>,
}

#[derive(Debug, Default)]
struct Pairs {
    index: HashMap<(u32, u32), u32>,
    pairs: Vec<(u32, u32)>,
}

impl Pairs {
    fn intern(&mut self, pair: (u32, u32)) -> u32 {
        let next = self.pairs.len() as u32;
        let code = *self.index.entry(pair).or_insert(next);
        if code == next {
            self.pairs.push(pair);
        }
        code
    }
}

impl Combinations {
    /// Combinations of `members` factors.
    pub fn new(members: usize) -> Self {
        let chain = (1..members.max(1))
            .map(|_| RwLock::new(Pairs::default()))
            .collect();
        Combinations { members, chain }
    }

    /// The code of one combination, added if it is new.
    pub fn intern(&self, tuple: &[u32]) -> u32 {
        let mut code = tuple[0];
        for (lock, &next) in self.chain.iter().zip(&tuple[1..]) {
            code = lock
                .write()
                .unwrap_or_else(|e| e.into_inner())
                .intern((code, next));
        }
        code
    }

    /// One code a row from the factors' codes.
    pub fn encode<'b>(&self, columns: Vec<Cow<'b, [u32]>>) -> Cow<'b, [u32]> {
        let mut columns = columns.into_iter();
        let Some(mut codes) = columns.next() else {
            return Cow::Owned(Vec::new());
        };
        for (lock, next) in self.chain.iter().zip(columns) {
            // each distinct pair of the block asks the shared table once
            let mut local: HashMap<(u32, u32), u32> = HashMap::new();
            let mut last = ((u32::MAX, u32::MAX), u32::MAX);
            let combined = codes
                .iter()
                .zip(next.iter())
                .map(|(&a, &b)| {
                    if last.0 != (a, b) {
                        let code = *local.entry((a, b)).or_insert_with(|| {
                            let known = lock
                                .read()
                                .unwrap_or_else(|e| e.into_inner())
                                .index
                                .get(&(a, b))
                                .copied();
                            known.unwrap_or_else(|| {
                                lock.write().unwrap_or_else(|e| e.into_inner()).intern((a, b))
                            })
                        });
                        last = ((a, b), code);
                    }
                    last.1
                })
                .collect();
            codes = Cow::Owned(combined);
        }
        codes
    }

    /// The factors' codes behind each code; `None` for one factor alone.
    pub fn tuples(&self) -> Option<Vec<Vec<u32>>> {
        if self.members < 2 {
            return None;
        }
        let mut tuples: Option<Vec<Vec<u32>>> = None;
        for lock in &self.chain {
            let pairs = lock.read().unwrap_or_else(|e| e.into_inner());
            let next = pairs
                .pairs
                .iter()
                .map(|&(a, b)| {
                    let mut tuple = tuples.as_ref().map_or_else(|| vec![a], |t| t[a as usize].clone());
                    tuple.push(b);
                    tuple
                })
                .collect();
            tuples = Some(next);
        }
        tuples
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_stand_for_their_tuples() {
        let c = Combinations::new(3);
        let a: &[u32] = &[0, 1, 0, 2, 0];
        let b: &[u32] = &[5, 5, 5, 1, 6];
        let d: &[u32] = &[9, 9, 9, 0, 9];
        let codes = c.encode(vec![Cow::Borrowed(a), Cow::Borrowed(b), Cow::Borrowed(d)]);
        let tuples = c.tuples().unwrap();
        for i in 0..5 {
            assert_eq!(tuples[codes[i] as usize], [a[i], b[i], d[i]]);
        }
        assert_eq!(codes[0], codes[2]);
        assert_eq!(tuples.len(), 4);
    }
}
