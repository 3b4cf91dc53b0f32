//! Families as a user writes them: `binomial`, `binomial(probit)`, `quasi(link = log, variance = mu)`.

use std::str::FromStr;

use super::{Family, FamilyName, Link, Variance};

/// A family that does not exist, or an argument that it does not take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FamilyError(String);

const FAMILIES: &str = "gaussian, binomial, poisson, Gamma, inverse.gaussian, quasi, quasibinomial, quasipoisson, \
                        negative.binomial, tweedie";
const LINKS: &str = "identity, log, inverse, 1/mu^2, sqrt, logit, probit, cauchit, cloglog, power(x)";
const VARIANCES: &str = "constant, mu(1-mu), mu, mu^2, mu^3";

fn wrong<T>(message: String) -> Result<T, FamilyError> {
    Err(FamilyError(message))
}

/// An argument: its name, where it has one, and its value without quotes and blanks.
struct Argument {
    name: Option<String>,
    value: String,
}

/// The text within the outermost parentheses, divided at its commas.
fn arguments(text: &str) -> Result<Vec<Argument>, FamilyError> {
    let mut parts = vec![String::new()];
    let mut depth = 0i32;
    for c in text.chars() {
        depth += match c {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        match (c, depth) {
            (',', 0) => parts.push(String::new()),
            _ => parts.last_mut().into_iter().for_each(|p| p.push(c)),
        }
    }
    if depth != 0 {
        return wrong(format!("the parentheses of `{text}` do not match"));
    }
    let clean = |s: &str| -> String {
        s.chars()
            .filter(|c| !c.is_whitespace() && !"\"'".contains(*c))
            .collect()
    };
    let of = |part: &String| match part.split_once('=') {
        Some((name, value)) => Argument {
            name: Some(clean(name)),
            value: clean(value),
        },
        None => Argument {
            name: None,
            value: clean(part),
        },
    };
    Ok(parts.iter().map(of).filter(|a| !a.value.is_empty()).collect())
}

/// A number, or a fraction such as `1/3`.
fn number(text: &str) -> Option<f64> {
    let value = match text.split_once('/') {
        Some((a, b)) => a.parse::<f64>().ok()? / b.parse::<f64>().ok()?,
        None => text.parse().ok()?,
    };
    value.is_finite().then_some(value)
}

fn link(text: &str) -> Result<Link, FamilyError> {
    Ok(match text {
        "identity" => Link::Identity,
        "log" => Link::Log,
        "inverse" | "1/mu" => Link::Inverse,
        "1/mu^2" => Link::InverseSquare,
        "sqrt" => Link::Sqrt,
        "logit" => Link::Logit,
        "probit" => Link::Probit,
        "cauchit" => Link::Cauchit,
        "cloglog" => Link::Cloglog,
        _ => {
            let inner = text.strip_prefix("power(").and_then(|t| t.strip_suffix(')'));
            let inner = inner.or_else(|| text.strip_prefix("mu^"));
            match inner.map(|t| number(t.strip_prefix("lambda=").unwrap_or(t))) {
                // as R's power(): the logarithm for 0 and below
                Some(Some(lambda)) if lambda <= 0.0 => Link::Log,
                Some(Some(lambda)) => Link::power(lambda),
                Some(None) => return wrong(format!("the exponent of the link `{text}` is not a number")),
                None => return wrong(format!("there is no link `{text}`; there are {LINKS}")),
            }
        }
    })
}

fn variance(text: &str) -> Result<Variance, FamilyError> {
    Ok(match text {
        "constant" => Variance::Constant,
        "mu(1-mu)" => Variance::Binomial,
        "mu" => Variance::Power(1.0),
        "mu^2" => Variance::Power(2.0),
        "mu^3" => Variance::Power(3.0),
        _ => return wrong(format!("there is no variance `{text}`; there are {VARIANCES}")),
    })
}

/// The arguments of a call by the names of its parameters, as R matches them.
fn matched(family: &str, given: Vec<Argument>, names: &[&str]) -> Result<Vec<Option<String>>, FamilyError> {
    let mut out: Vec<Option<String>> = vec![None; names.len()];
    let mut unnamed = Vec::new();
    for argument in given {
        let Some(name) = argument.name else {
            unnamed.push(argument.value);
            continue;
        };
        match names.iter().position(|n| *n == name) {
            Some(at) if out[at].is_none() => out[at] = Some(argument.value),
            Some(_) => return wrong(format!("{family}: `{name}` is given twice")),
            None => {
                return wrong(format!(
                    "{family} has no argument `{name}`; it has {}",
                    names.join(", ")
                ));
            }
        }
    }
    for value in unnamed {
        match out.iter_mut().find(|o| o.is_none()) {
            Some(free) => *free = Some(value),
            None => return wrong(format!("{family}: `{value}` is one argument too many")),
        }
    }
    Ok(out)
}

impl FromStr for Family {
    type Err = FamilyError;

    fn from_str(text: &str) -> Result<Family, FamilyError> {
        let text = text.trim();
        let (name, given) = match text.split_once('(') {
            None => (text, Vec::new()),
            Some((name, rest)) => match rest.trim_end().strip_suffix(')') {
                Some(inner) => (name.trim(), arguments(inner)?),
                None => return wrong(format!("the parentheses of `{text}` do not match")),
            },
        };
        // as R's families, each takes any link that there is
        let own = |which: FamilyName, variance: Variance, default: Link| -> Result<Family, FamilyError> {
            let asked = matched(name, given_of(&given), &["link"])?;
            let chosen = asked[0].as_deref().map_or(Ok(default), link)?;
            Ok(Family::new(which, chosen, variance))
        };
        match name {
            "gaussian" => own(FamilyName::Gaussian, Variance::Constant, Link::Identity),
            "binomial" => own(FamilyName::Binomial, Variance::Binomial, Link::Logit),
            "quasibinomial" => own(FamilyName::Quasibinomial, Variance::Binomial, Link::Logit),
            "poisson" => own(FamilyName::Poisson, Variance::Power(1.0), Link::Log),
            "quasipoisson" => own(FamilyName::Quasipoisson, Variance::Power(1.0), Link::Log),
            "Gamma" | "gamma" => own(FamilyName::Gamma, Variance::Power(2.0), Link::Inverse),
            "inverse.gaussian" => own(
                FamilyName::InverseGaussian,
                Variance::Power(3.0),
                Link::InverseSquare,
            ),
            "quasi" => {
                let asked = matched(name, given, &["link", "variance"])?;
                let chosen = asked[0].as_deref().map_or(Ok(Link::Identity), link)?;
                let v = asked[1].as_deref().map_or(Ok(Variance::Constant), variance)?;
                Ok(Family::new(FamilyName::Quasi, chosen, v))
            }
            "negative.binomial" | "nb" => {
                let known = given.iter().any(|a| match &a.name {
                    None => number(&a.value).is_some(),
                    Some(n) => n == "theta",
                });
                let names: &[&str] = if known { &["theta", "link"] } else { &["link"] };
                let asked = matched(name, given, names)?;
                let chosen = asked[names.len() - 1].as_deref().map_or(Ok(Link::Log), link)?;
                let theta = match asked[0].as_deref().filter(|_| known) {
                    None => 1.0,
                    Some(text) => match number(text).filter(|t| *t > 0.0) {
                        Some(theta) => theta,
                        None => {
                            return wrong(format!("{name}: theta must be a number above 0, not `{text}`"));
                        }
                    },
                };
                let mut family = Family::new(
                    FamilyName::NegativeBinomial,
                    chosen,
                    Variance::NegativeBinomial(theta),
                );
                family.estimated = !known;
                Ok(family)
            }
            "tweedie" => {
                let by_power = given.iter().any(|a| a.name.as_deref() == Some("link.power"));
                let last = if by_power { "link.power" } else { "link" };
                let asked = matched(name, given, &["var.power", last])?;
                let k = match asked[0].as_deref().map(number) {
                    None => 0.0,
                    Some(Some(k)) if !(k > 0.0 && k < 1.0) => k,
                    _ => {
                        return wrong(format!(
                            "{name}: var.power must be a number outside (0, 1), not `{}`",
                            asked[0].as_deref().unwrap_or_default()
                        ));
                    }
                };
                let chosen = match asked[1].as_deref() {
                    None => Link::power(1.0 - k),
                    Some(text) if by_power => match number(text) {
                        Some(lambda) => Link::power(lambda),
                        None => return wrong(format!("{name}: link.power must be a number, not `{text}`")),
                    },
                    Some(text) => link(text)?,
                };
                let v = if k == 0.0 {
                    Variance::Constant
                } else {
                    Variance::Power(k)
                };
                Ok(Family::new(FamilyName::Tweedie, chosen, v))
            }
            _ => wrong(format!("there is no family `{name}`; there are {FAMILIES}")),
        }
    }
}

fn given_of(given: &[Argument]) -> Vec<Argument> {
    let copy = |a: &Argument| Argument {
        name: a.name.clone(),
        value: a.value.clone(),
    };
    given.iter().map(copy).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Family {
        text.parse().unwrap()
    }

    fn refused(text: &str) -> String {
        text.parse::<Family>().unwrap_err().to_string()
    }

    #[test]
    fn families_as_r_writes_them() {
        assert_eq!(read("binomial"), Family::binomial());
        assert_eq!(read("binomial(link = \"probit\")").link, Link::Probit);
        assert_eq!(read("inverse.gaussian(1/mu^2)").link, Link::InverseSquare);
        assert_eq!(read("Gamma").link, Link::Inverse);
        let quasi = read("quasi(variance = \"mu^2\", link = power(1/3))");
        assert_eq!(quasi.variance, Variance::Power(2.0));
        assert_eq!(quasi.link, Link::Power(1.0 / 3.0));
        assert_eq!(read("quasi(log, mu(1-mu))").variance, Variance::Binomial);
        assert_eq!(read("quasi(power(0.5))").link, Link::Power(0.5));
        assert_eq!(read("quasi(power(0))").link, Link::Log);
        assert_eq!(read("negative.binomial(2, sqrt)").theta(), Some(2.0));
        assert!(read("negative.binomial").estimated && read("nb(sqrt)").estimated);
        assert_eq!(read("nb(sqrt)").link, Link::Sqrt);
        let tweedie = read("tweedie(var.power = 1.5, link.power = 0)");
        assert_eq!(
            (tweedie.variance, tweedie.link),
            (Variance::Power(1.5), Link::Log)
        );
        assert_eq!(read("tweedie(1.5)").link, Link::Power(-0.5));
        assert_eq!(read("tweedie(1.5, power(0.3))").link, Link::Power(0.3));
    }

    /// R's families take every link by its name in quotes, and every `power()`.
    #[test]
    fn every_family_takes_every_link() {
        let links = [
            ("identity", Link::Identity),
            ("log", Link::Log),
            ("inverse", Link::Inverse),
            ("1/mu^2", Link::InverseSquare),
            ("sqrt", Link::Sqrt),
            ("logit", Link::Logit),
            ("probit", Link::Probit),
            ("cauchit", Link::Cauchit),
            ("cloglog", Link::Cloglog),
            ("power(0.3)", Link::Power(0.3)),
            ("power(1/2)", Link::Power(0.5)),
        ];
        for family in [
            "gaussian",
            "binomial",
            "quasibinomial",
            "poisson",
            "quasipoisson",
            "Gamma",
            "inverse.gaussian",
            "quasi",
            "negative.binomial",
            "tweedie",
        ] {
            for (name, link) in links {
                let own = read(&format!("{family}(link = \"{name}\")"));
                assert_eq!(own.link, link, "{family}({name})");
                assert_eq!(read(&own.call()).link, link, "{}", own.call());
            }
        }
    }

    #[test]
    fn what_is_not_there_is_listed() {
        assert!(refused("bernoulli").contains("there are gaussian, binomial"));
        assert!(refused("poisson(lgo)").contains("there is no link `lgo`; there are identity, log"));
        assert!(refused("quasi(log, mu^4)").contains("constant, mu(1-mu)"));
        assert!(refused("negative.binomial(-1)").contains("theta must be a number above 0"));
        assert!(refused("tweedie(0.5)").contains("outside (0, 1)"));
        assert!(refused("binomial(logit").contains("parentheses"));
        assert!(refused("binomial(logit, probit)").contains("too many"));
        assert!(refused("binomial(lnk = logit)").contains("no argument `lnk`"));
    }

    proptest! {
        // whatever is typed is a family or an error, and what a family calls itself is that family
        #[test]
        fn any_text_is_read(text in "[a-zG.]{0,12}[(]?[a-z0-9=,/^()'\" -]{0,20}[)]?") {
            let _ = text.parse::<Family>();
        }

        #[test]
        fn calls_are_read_back(theta in 0.01f64..1e6, lambda in 0.05f64..3.0, power in 1.0f64..4.0) {
            for text in [
                "gaussian".to_string(),
                "binomial(cloglog)".into(),
                "inverse.gaussian".into(),
                format!("negative.binomial({theta}, sqrt)"),
                format!("tweedie({power}, log)"),
                "quasi(log, mu(1-mu))".into(),
            ] {
                let family = read(&text);
                prop_assert_eq!(read(&family.call()), family);
            }
            prop_assert_eq!(read(&format!("quasi(power({lambda}))")).link, Link::power(lambda));
        }
    }
}
