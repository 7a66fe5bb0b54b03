//! The spellings of a name in the target languages. Used by the collision check, by generated code and by the search
//! for handler files.

/// Splits a name on case boundaries as people read them: `HelloWorldWS` → `hello_world_ws`.
pub fn snake_case(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut out = String::with_capacity(name.len() + 4);
    for (i, &c) in chars.iter().enumerate() {
        if c == '-' || c == '_' || c == ' ' {
            out.push('_');
            continue;
        }
        let after_lower = i > 0 && (chars[i - 1].is_lowercase() || chars[i - 1].is_ascii_digit());
        let ends_acronym =
            i > 0 && chars[i - 1].is_uppercase() && chars.get(i + 1).is_some_and(|next| next.is_lowercase());
        if c.is_uppercase() && (after_lower || ends_acronym) {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

/// Turns a name into camelCase: `send_mail` → `sendMail`.
pub fn camel_case(name: &str) -> String {
    let mut words = snake_case(name).split('_').map(str::to_owned).collect::<Vec<_>>();
    for word in words.iter_mut().skip(1) {
        if let Some(first) = word.get(..1) {
            *word = first.to_uppercase() + &word[1..];
        }
    }
    words.concat()
}

/// Turns a name into PascalCase: `create_user` → `CreateUser`.
pub fn pascal_case(name: &str) -> String {
    let camel = camel_case(name);
    camel.get(..1).map(|first| first.to_uppercase() + &camel[1..]).unwrap_or(camel)
}
