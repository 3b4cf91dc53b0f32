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
    let wanted_length = wanted.chars().count();
    let mut best: Option<(usize, &str)> = None;
    for candidate in known {
        let other = folded(candidate);
        let length = other.chars().count();
        let longer = wanted_length.max(length);
        if longer > LONGEST && wanted != other {
            continue;
        }
        let limit = longer / 3;
        if wanted_length.abs_diff(length) > limit {
            continue;
        }
        let d = strsim::osa_distance(&wanted, &other);
        if d <= limit && best.is_none_or(|(least, _)| d < least) {
            best = Some((d, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

fn folded(name: &str) -> String {
    name.to_lowercase().replace('.', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

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
