//! Headings, bars and sparklines for a terminal of 100 columns.

use super::say;

/// Columns of a line.
const WIDTH: usize = 100;

/// Columns of the longest bar.
const BAR: usize = 44;

/// A heading with one line of explanation.
pub(crate) fn heading(title: &str, explanation: &str) {
    let rule = "─".repeat(WIDTH.saturating_sub(title.chars().count() + 4));
    say!("\n── {title} {rule}\n   {explanation}\n");
}

/// One horizontal bar a row: label, bar, value; the longest bar for the largest value.
pub(crate) fn bars(rows: &[(String, f64)], value: impl Fn(f64) -> String) {
    let widest = rows.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
    let largest = rows.iter().map(|&(_, size)| size).fold(0.0, f64::max);
    for (label, size) in rows {
        say!("   {label:<widest$}  {:<BAR$}  {}", bar(size / largest), value(*size));
    }
}

/// A bar in eighths of a column; nothing but zero has no bar at all.
fn bar(share: f64) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = if share > 0.0 { (share * 8.0 * BAR as f64).round().max(1.0) as usize } else { 0 };
    "█".repeat(eighths / 8) + PARTS[eighths % 8]
}

/// One column a value, from 0 at the bottom to `top`.
pub(crate) fn sparkline(values: &[f64], top: f64) -> String {
    const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let level = |&value: &f64| LEVELS[((value / top * 8.0) as usize).min(7)];
    values.iter().map(level).collect()
}

/// A label with its white space made visible.
pub(crate) fn visible(label: &str) -> String {
    let shown = |character| match character {
        ' ' => '␣',
        '\n' => '⏎',
        '\t' => '⇥',
        '\r' => '␍',
        other => printable(other),
    };
    label.chars().map(shown).collect()
}

/// A character that cannot command the terminal: control characters as their pictures.
fn printable(character: char) -> char {
    match character as u32 {
        code @ 0..32 => char::from_u32(0x2400 + code).unwrap_or('�'),
        127 => '␡',
        _ if character.is_control() => '�',
        _ => character,
    }
}

/// A text with its own line ends, long lines folded, behind a vertical line.
pub(crate) fn quote(text: &str) {
    let room = WIDTH - 5;
    for line in text.lines() {
        let mut row: Vec<char> = Vec::new();
        for character in line.chars() {
            if row.len() == room {
                // Fold behind the last space, or in the middle of a word without end.
                let fold = row.iter().rposition(|&c| c == ' ').map_or(room, |space| space + 1);
                say!("   │ {}", row.drain(..fold).collect::<String>().trim_end());
            }
            row.push(printable(character));
        }
        say!("   │ {}", row.iter().collect::<String>().trim_end());
    }
}

/// A number with commas between its thousands.
pub(crate) fn grouped(number: impl std::fmt::Display) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 word`, `3 words`.
pub(crate) fn count(number: usize, unit: &str) -> String {
    format!("{} {unit}{}", grouped(number), if number == 1 { "" } else { "s" })
}
