//! Finds the name that was probably meant. Called by the passes for their hints.

/// Returns the candidate nearest to `name`, if one is near enough to be a slip of the pen; of several the first in
/// the alphabet.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = name.chars().count();
    let limit = (length / 3).clamp(1, 3);
    // No distance is less than the difference of the lengths.
    let in_reach = |known: &&str| known.chars().count().abs_diff(length) <= limit;
    let ranked = candidates.into_iter().filter(in_reach).map(|known| (distance(name, known), known));
    let (found, known) = ranked.min()?;
    (found <= limit).then_some(known)
}

/// Returns the edit distance of two names without regard to case; a swap of neighbours is one step.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.to_lowercase().chars().collect();
    let right: Vec<char> = right.to_lowercase().chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let replaced = last[j] + usize::from(a != b);
            let mut best = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == right[j - 1] && left[i - 1] == *b {
                best = best.min(before_last[j - 1] + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[right.len()]
}
