//! `rohas explain`: what a code of the compiler means, with an example, what it gives, and its cure.

use std::process::ExitCode;

use crate::cli::terminal;
use crate::schema::codes::{self, Code};
use crate::schema::{self, Severity, SourceFile};

/// Columns of explanations.
const WIDTH: usize = 90;

#[derive(clap::Args)]
pub struct Arguments {
    /// A code such as S0007, in either case; without it, all codes are listed.
    #[arg(value_parser = code)]
    code: Option<&'static Code>,
}

pub const EXAMPLES: &str = "\
Examples:
  rohas explain            all codes with their titles
  rohas explain S0007      one of them";

/// Finds the code that was written, or says which was meant.
fn code(written: &str) -> Result<&'static Code, String> {
    if let Some(code) = codes::find(written) {
        return Ok(code);
    }
    let number = written.trim_start_matches(['s', 'S']).parse::<u16>();
    let padded = number.ok().and_then(|number| codes::find(&format!("S{number:04}")));
    let near = padded.map(|code| code.code);
    let near = near.or_else(|| schema::nearest(written, codes::ALL.iter().map(|code| code.code)));
    let hint = near.map(|near| format!("did you mean {near}?"));
    Err(hint.unwrap_or_else(|| "`rohas explain` lists all codes".to_owned()))
}

pub fn run(arguments: &Arguments) -> ExitCode {
    match arguments.code {
        Some(code) => terminal::print(&page(code)),
        None => {
            let line =
                |code: &Code| format!("{}  {:7}  {}\n", code.code, severity(code.severity), code.title);
            terminal::print(&codes::ALL.iter().map(line).collect::<String>());
        }
    }
    ExitCode::SUCCESS
}

fn page(code: &Code) -> String {
    let file = SourceFile { path: "example.ro".to_owned(), text: code.example.to_owned() };
    let (_, found) = schema::compile(&[file]);
    let colour = terminal::colour(&std::io::stdout());
    let given: String = found.iter().map(|found| found.render(colour)).collect();
    format!(
        "{}: {} ({})\n\n{}\n\nExample:\n\n{}\ngives\n\n{given}\nCured:\n\n{}",
        code.code,
        code.title,
        severity(code.severity),
        wrapped(code.explanation),
        indented(code.example),
        indented(code.cure)
    )
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn indented(text: &str) -> String {
    let lines = text.lines().map(|line| format!("    {line}").trim_end().to_owned() + "\n");
    lines.collect()
}

/// Breaks a paragraph into lines.
fn wrapped(text: &str) -> String {
    let (mut out, mut column) = (String::new(), 0);
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > WIDTH {
            out.push('\n');
            column = 0;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::cli::explain::{WIDTH, code, page, wrapped};
    use crate::schema::codes;

    #[test]
    fn every_page_shows_the_problem_itself() {
        for code in codes::ALL {
            let page = page(code);
            assert!(page.starts_with(&format!("{}: {} (", code.code, code.title)), "{page}");
            assert!(page.contains("Cured:\n\n    "), "{page}");
            assert!(page.ends_with('\n') && !page.contains("gives\n\n\nCured"), "{page}");
        }
    }

    #[test]
    fn a_code_is_found_in_either_case_and_a_slip_is_named() {
        assert_eq!(code("s0007").unwrap().code, "S0007");
        for slip in ["7", "S7", "S007", "S00007", "SO007"] {
            assert_eq!(code(slip).unwrap_err(), "did you mean S0007?", "{slip}");
        }
        assert_eq!(code("E42").unwrap_err(), "`rohas explain` lists all codes");
        assert_eq!(code("").unwrap_err(), "`rohas explain` lists all codes");
    }

    #[test]
    fn lines_break_between_words() {
        let text = "word ".repeat(40);
        let lines: Vec<String> = wrapped(&text).lines().map(str::to_owned).collect();
        assert!(lines.len() > 1 && lines.iter().all(|line| line.chars().count() <= WIDTH), "{lines:?}");
        assert_eq!(lines.join(" "), text.trim_end());
    }
}
