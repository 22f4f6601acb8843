//! Numbers as people read them.

/// A number with commas: `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 log file`, `2 log files`.
pub fn plural(count: u64, singular: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{} {singular}{s}", grouped(count))
}
