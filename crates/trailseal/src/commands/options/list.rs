//! Options that take several values: each may be given again, and a comma separates values, too.

/// The values of an option whose values hold no commas; `\,` is one that separates nothing.
pub(crate) fn listed(given: &[String]) -> Vec<String> {
    given.iter().flat_map(|text| split(text)).collect()
}

/// The same for names, in which a comma may stand (users, sessions, keys of objects): what was given is one of the values,
/// too.
pub(crate) fn names(given: &[String]) -> Vec<String> {
    given
        .iter()
        .flat_map(|text| {
            let parts = split(text);
            let is_list = parts.len() > 1;
            let whole = is_list.then(|| text.clone());
            parts.into_iter().filter(move |part| !is_list || !part.is_empty()).chain(whole)
        })
        .collect()
}

fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match (character, parts.last_mut()) {
            (',', _) => parts.push(String::new()),
            ('\\', Some(part)) if characters.peek() == Some(&',') => part.extend(characters.next()),
            (other, Some(part)) => part.push(other),
            (_, None) => {}
        }
    }
    if parts.len() > 1 {
        for part in &mut parts {
            *part = part.trim().to_owned();
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(list: fn(&[String]) -> Vec<String>, given: &[&str]) -> Vec<String> {
        list(&given.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_comma_separates_and_so_does_giving_the_option_again() {
        assert_eq!(of(listed, &["a,b", "c"]), ["a", "b", "c"]);
        assert_eq!(of(listed, &["a, b", r"c\,d", r"e\f*"]), ["a", "b", "c,d", r"e\f*"]);
        assert_eq!(of(listed, &["a,", ""]), ["a", "", ""], "what is empty is refused where it is used");
        assert_eq!(of(listed, &[" a "]), [" a "]);
    }

    #[test]
    fn a_name_with_a_comma_is_found_as_it_is_written() {
        assert_eq!(of(names, &["a,b", "c"]), ["a", "b", "a,b", "c"]);
        assert_eq!(of(names, &["a,", ""]), ["a", "a,", ""]);
        assert_eq!(of(names, &[r"a\,b"]), ["a,b"]);
    }
}
