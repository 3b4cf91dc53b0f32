//! A chart of lines and points as SVG: axes with round numbers, error bars, and marks at chosen places.

use std::fmt::Write as _;

use super::format::{number, signif};

/// Points of one colour, joined or not.
pub struct Series {
    /// (x, y), in the order in which they are joined.
    pub points: Vec<(f64, f64)>,
    /// Half the length of the bar at each point; none where empty.
    pub bars: Vec<f64>,
    /// True for a line, false for dots.
    pub line: bool,
}

/// A vertical line with a label.
pub struct Mark {
    /// Its place.
    pub x: f64,
    /// The label, at its top.
    pub label: String,
}

/// A chart.
pub struct Chart {
    /// Line above it.
    pub title: String,
    /// Name of the horizontal axis.
    pub x: String,
    /// Name of the vertical axis.
    pub y: String,
    /// Lines and points.
    pub series: Vec<Series>,
    /// Vertical lines.
    pub marks: Vec<Mark>,
    /// Numbers along the top: (x, text).
    pub above: Vec<(f64, String)>,
}

const COLOURS: [&str; 8] = [
    "#1b6ca8", "#d1495b", "#2e8b57", "#b8860b", "#6a4c93", "#00838f", "#8d5524", "#555555",
];
const LEFT: f64 = 80.0;
const TOP: f64 = 64.0;
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 290.0;

/// Round numbers that divide a range into about five parts.
fn ticks(least: f64, most: f64) -> Vec<f64> {
    let span = most - least;
    if !(span > 0.0 && span.is_finite()) {
        return vec![least];
    }
    let rough = span / 5.0;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|m| m * power)
        .find(|s| span / s <= 6.0)
        .unwrap_or(10.0 * power);
    let first = (least / step).ceil();
    (0..12)
        .map(|i| (first + f64::from(i)) * step)
        .take_while(|t| *t <= most + 1e-9 * span)
        .collect()
}

/// The smallest and largest of some numbers; a range around the one there is.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
    for v in values.filter(|v| v.is_finite()) {
        (least, most) = (least.min(v), most.max(v));
    }
    match least < most {
        true => (least, most),
        false if least.is_finite() => (least - 0.5, least + 0.5),
        false => (0.0, 1.0),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

impl Chart {
    /// The chart as SVG.
    pub fn svg(&self) -> String {
        let points = || self.series.iter().flat_map(|s| s.points.iter());
        let (x0, x1) = range(points().map(|p| p.0));
        let ends = self.series.iter().flat_map(|s| {
            let bar = |i: usize| s.bars.get(i).copied().unwrap_or(0.0);
            let of = move |(i, p): (usize, &(f64, f64))| [p.1 - bar(i), p.1 + bar(i)];
            s.points.iter().enumerate().flat_map(of).collect::<Vec<_>>()
        });
        let (y0, y1) = range(ends);
        let x = |v: f64| LEFT + 8.0 + (WIDTH - 16.0) * (v - x0) / (x1 - x0);
        let y = |v: f64| TOP + 6.0 + (HEIGHT - 12.0) * (y1 - v) / (y1 - y0);
        let mut out = format!(
            "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 720 420' font-family='sans-serif' font-size='13'>\n\
             <rect width='720' height='420' fill='white'/>\n\
             <text x='{LEFT}' y='24' font-size='15'>{}</text>\n\
             <rect x='{LEFT}' y='{TOP}' width='{WIDTH}' height='{HEIGHT}' fill='none' stroke='black'/>\n\
             <text x='380' y='408' text-anchor='middle'>{}</text>\n\
             <text x='16' y='209' text-anchor='middle' transform='rotate(-90 16 209)'>{}</text>\n",
            escaped(&self.title),
            escaped(&self.x),
            escaped(&self.y)
        );
        // writing to a string does not fail
        for t in ticks(x0, x1) {
            let text = number(signif(t, 6));
            let _ = writeln!(
                out,
                "<path d='M{0:.1} {1} v5' stroke='black'/><text x='{0:.1}' y='{2}' text-anchor='middle'>{text}</text>",
                x(t),
                TOP + HEIGHT,
                TOP + HEIGHT + 19.0
            );
        }
        for t in ticks(y0, y1) {
            let text = number(signif(t, 6));
            let _ = writeln!(
                out,
                "<path d='M{LEFT} {0:.1} h-5' stroke='black'/><text x='{1}' y='{2:.1}' text-anchor='end'>{text}</text>",
                y(t),
                LEFT - 8.0,
                y(t) + 4.0
            );
        }
        for (at, text) in &self.above {
            let _ = writeln!(
                out,
                "<text x='{:.1}' y='{}' text-anchor='middle' font-size='11'>{}</text>",
                x(*at),
                TOP - 6.0,
                escaped(text)
            );
        }
        for mark in &self.marks {
            let _ = writeln!(
                out,
                "<path d='M{0:.1} {TOP} v{HEIGHT}' stroke='#888888' stroke-dasharray='4 3'/>\
                 <text x='{0:.1}' y='{1}' text-anchor='middle' font-size='11' fill='#555555'>{2}</text>",
                x(mark.x),
                TOP - 22.0,
                escaped(&mark.label)
            );
        }
        for (s, series) in self.series.iter().enumerate() {
            let colour = COLOURS[s % COLOURS.len()];
            if series.line {
                let all: Vec<String> = (series.points.iter())
                    .map(|p| format!("{:.1},{:.1}", x(p.0), y(p.1)))
                    .collect();
                let _ = writeln!(
                    out,
                    "<polyline points='{}' fill='none' stroke='{colour}' stroke-width='1.5'/>",
                    all.join(" ")
                );
                continue;
            }
            for (i, p) in series.points.iter().enumerate().filter(|(_, p)| p.1.is_finite()) {
                if let Some(bar) = series.bars.get(i).filter(|b| b.is_finite()) {
                    let (top, bottom) = (y(p.1 + bar), y(p.1 - bar));
                    let _ = writeln!(
                        out,
                        "<path d='M{0:.1} {top:.1} V{bottom:.1} m-3 0 h6 M{1:.1} {top:.1} h6' stroke='#999999'/>",
                        x(p.0),
                        x(p.0) - 3.0
                    );
                }
                let _ = writeln!(
                    out,
                    "<circle cx='{:.1}' cy='{:.1}' r='3' fill='{colour}'/>",
                    x(p.0),
                    y(p.1)
                );
            }
        }
        out + "</svg>\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within_the_range() {
        assert_eq!(ticks(0.0, 1.0), [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]);
        assert_eq!(ticks(-3.2, 4.1), [-2.0, 0.0, 2.0, 4.0]);
        assert_eq!(ticks(5.0, 5.0), [5.0]);
    }
}
