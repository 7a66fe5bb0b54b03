//! Finds the name that was probably meant. Called by the passes for their hints.

/// Returns the candidate nearest to `name`, if one is near enough to be a slip of the pen; of several the first in
/// the alphabet. One letter is too little to tell what was meant.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name: Vec<char> = name.to_lowercase().chars().collect();
    if name.len() < 2 {
        return None;
    }
    let mut limit = (name.len() / 3).clamp(1, 3);
    let mut rows = Rows::default();
    let mut best: Option<(usize, &str)> = None;
    for known in candidates {
        // No distance is less than the difference of the lengths.
        let steps = if known.chars().count().abs_diff(name.len()) > limit {
            continue;
        } else {
            rows.distance(&name, known, limit)
        };
        if steps <= limit && best.is_none_or(|best| (steps, known) < best) {
            best = Some((steps, known));
            limit = steps;
        }
    }
    best.map(|(_, known)| known)
}

/// The working memory of [`distance`](Rows::distance), kept from one pair of names to the next.
#[derive(Default)]
struct Rows {
    right: Vec<char>,
    before_last: Vec<usize>,
    last: Vec<usize>,
    row: Vec<usize>,
}

impl Rows {
    /// Returns the edit distance of a name in lower case and another one without regard to case, or something above
    /// `limit` if it is above; a swap of neighbours is one step.
    fn distance(&mut self, left: &[char], right: &str, limit: usize) -> usize {
        self.right.clear();
        self.right.extend(right.chars().flat_map(char::to_lowercase));
        self.last.clear();
        self.last.extend(0..=self.right.len());
        self.before_last.clear();
        self.before_last.resize(self.right.len() + 1, 0);
        for (i, a) in left.iter().enumerate() {
            self.row.clear();
            self.row.push(i + 1);
            for (j, b) in self.right.iter().enumerate() {
                let replaced = self.last[j] + usize::from(a != b);
                let mut best = replaced.min(self.last[j + 1] + 1).min(self.row[j] + 1);
                if i > 0 && j > 0 && *a == self.right[j - 1] && left[i - 1] == *b {
                    best = best.min(self.before_last[j - 1] + 1);
                }
                self.row.push(best);
            }
            // A swap may still gain one step on the row before.
            if self.row.iter().chain(&self.last).all(|steps| *steps > limit) {
                return limit + 1;
            }
            std::mem::swap(&mut self.before_last, &mut self.last);
            std::mem::swap(&mut self.last, &mut self.row);
        }
        self.last[self.right.len()]
    }
}
