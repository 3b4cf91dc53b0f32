//! The nearest known name to an unknown one.

/// The known name that was most likely meant by `name`; `None` where nothing is near.
///
/// Names that differ only in upper and lower case, `.` and `_` win; then the smallest number of letters to
/// insert, delete, replace or swap with a neighbour (optimal string alignment: Damerau 1964), at most a third
/// of the longer name. Ties go to the first.
///
/// ```
/// use nelder::formula::nearest;
/// assert_eq!(nearest("heigth", ["weight", "height"].into_iter()), Some("height"));
/// assert_eq!(nearest("Dep.Delay", ["arr_delay", "dep_delay"].into_iter()), Some("dep_delay"));
/// assert_eq!(nearest("x", ["y", "z"].into_iter()), None);
/// ```
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    /// Longer names are not compared letter by letter.
    const LONGEST: usize = 100;
    let wanted = folded(name);
    let mut best: Option<(usize, &str)> = None;
    for candidate in known {
        let other = folded(candidate);
        let longer = wanted.len().max(other.len());
        if longer > LONGEST && wanted != other {
            continue;
        }
        let limit = longer / 3;
        if wanted.len().abs_diff(other.len()) > limit {
            continue;
        }
        let d = if wanted == other {
            0
        } else {
            distance(&wanted, &other)
        };
        if d <= limit && best.is_none_or(|(least, _)| d < least) {
            best = Some((d, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

fn folded(name: &str) -> Vec<char> {
    name.chars()
        .flat_map(char::to_lowercase)
        .map(|c| if c == '.' { '_' } else { c })
        .collect()
}

/// Optimal string alignment distance.
fn distance(a: &[char], b: &[char]) -> usize {
    let width = b.len() + 1;
    let mut before: Vec<usize> = vec![0; width];
    let mut above: Vec<usize> = (0..width).collect();
    for (i, &x) in a.iter().enumerate() {
        let mut row = vec![i + 1; width];
        for (j, &y) in b.iter().enumerate() {
            let replaced = above[j] + usize::from(x != y);
            let mut least = replaced.min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && x == b[j - 1] && a[i - 1] == y {
                least = least.min(before[j - 1] + 1);
            }
            row[j + 1] = least;
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(a: &str, b: &str) -> usize {
        distance(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>())
    }

    #[test]
    fn distances() {
        assert_eq!(d("", "abc"), 3);
        assert_eq!(d("abc", ""), 3);
        assert_eq!(d("kitten", "sitting"), 3);
        assert_eq!(d("ab", "ba"), 1);
        assert_eq!(d("ca", "abc"), 3); // 2 in the unrestricted distance
        assert_eq!(d("straße", "strasse"), 2);
    }

    #[test]
    fn suggestions() {
        let known = ["arr_delay", "dep_delay", "air_time", "carrier", "Month"];
        let near = |name| nearest(name, known.into_iter());
        assert_eq!(near("month"), Some("Month"));
        assert_eq!(near("ari_time"), Some("air_time"));
        assert_eq!(near("airtime"), Some("air_time"));
        assert_eq!(near("dep_dleay"), Some("dep_delay"));
        assert_eq!(near("temperature"), None);
        assert_eq!(near(""), None);
        assert_eq!(nearest("polly", ["poly", "log"].into_iter()), Some("poly"));
        assert_eq!(nearest("Poly", ["pole", "poly"].into_iter()), Some("poly"));
        assert_eq!(nearest(&"x".repeat(1000), [&*"y".repeat(1000)].into_iter()), None);
        assert_eq!(nearest("ab", std::iter::empty()), None);
    }
}
