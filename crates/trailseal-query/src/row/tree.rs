//! Several field paths from one value on, followed at once.

use crate::{
    json::{Text, Value, first_value},
    path::FieldPath,
    record::MAX_NESTED_ARRAYS,
};

/// Field paths as a tree of names: what they have in common is walked once.
///
/// Each path leads to what [`Record::visit`](crate::Record::visit) shows for it, in the same order.
#[derive(Debug, Default)]
pub(super) struct PathTree {
    children: Vec<Child>,
}

/// A name, and what follows it.
#[derive(Debug)]
struct Child {
    name: String,
    /// The numbers of the paths that end here.
    ends: Vec<usize>,
    below: PathTree,
}

impl PathTree {
    /// Adds a path; values that it leads to are shown with its number.
    pub(super) fn insert(&mut self, path: &FieldPath, number: usize) {
        let Some((last, names)) = path.segments().split_last() else { return };
        let tree = names.iter().fold(self, |tree, name| &mut tree.child(name).below);
        tree.child(last).ends.push(number);
    }

    /// Every value that a path leads to from an object, with the path's number. The values of one path come in
    /// their order; those of several paths are mixed.
    pub(super) fn values<'a>(&self, object: &'a [u8]) -> Vec<(usize, Value<'a>)> {
        let mut walk = Walk { last: Vec::new(), found: Vec::new() };
        if self.children.is_empty() {
            return walk.found;
        }
        if walk.at_once(self, object, 0, 0) != Some(object.len()) {
            walk.found.clear();
            walk.descend(self, Value::Object(object), 0);
        }
        debug_assert!(walk.last.is_empty(), "every object gives back its room");
        walk.found
    }

    fn child(&mut self, name: &str) -> &mut Child {
        let at = self.children.iter().position(|child| child.name == name).unwrap_or_else(|| {
            self.children.push(Child { name: name.to_owned(), ends: Vec::new(), below: Self::default() });
            self.children.len() - 1
        });
        &mut self.children[at]
    }

    fn position(&self, key: &Text<'_>) -> Option<usize> {
        self.children.iter().position(|child| key.is(&child.name))
    }
}

struct Walk<'a> {
    /// The members found in the object at hand and in those around it, by the children's places.
    last: Vec<Option<Value<'a>>>,
    found: Vec<(usize, Value<'a>)>,
}

/// First without looking for the ends of what is entered, so that every byte is looked at once; where that does
/// not do, by the slices of all objects and arrays on the way. Both go as deep as the tree, and at each level
/// through a few arrays: hostile nesting costs no stack.
impl<'a> Walk<'a> {
    /// From the bracket at `start` to its end, which is returned. `None` where something is no JSON, or where a
    /// name stands twice.
    fn at_once(&mut self, tree: &PathTree, bytes: &'a [u8], start: usize, nested: u32) -> Option<usize> {
        let closing = if bytes.get(start)? == &b'{' { b'}' } else { b']' };
        let mut seen = 0_u64;
        let mut at = skip_space(bytes, start + 1);
        let mut is_first = true;
        while bytes.get(at)? != &closing {
            if !std::mem::take(&mut is_first) {
                at = skip_space(bytes, after(bytes, at, b',')?);
            }
            if closing == b']' {
                at = self.value_at(tree, bytes, at, nested + 1)?;
            } else {
                let (key, length) = first_value(&bytes[at..]).ok()?;
                let Value::String(key) = key else { return None };
                at = skip_space(bytes, at + length);
                at = skip_space(bytes, after(bytes, at, b':')?);
                at = match tree.position(&key) {
                    Some(place) => {
                        let bit = 1_u64.checked_shl(u32::try_from(place).ok()?)?;
                        if seen & bit != 0 {
                            return None;
                        }
                        seen |= bit;
                        self.member_at(&tree.children[place], bytes, at)?
                    }
                    None => at + first_value(&bytes[at..]).ok()?.1,
                };
            }
            at = skip_space(bytes, at);
        }
        Some(at + 1)
    }

    fn member_at(&mut self, child: &Child, bytes: &'a [u8], at: usize) -> Option<usize> {
        if child.ends.is_empty() {
            return self.value_at(&child.below, bytes, at, 0);
        }
        let (value, length) = first_value(&bytes[at..]).ok()?;
        self.arrive(child, value);
        Some(at + length)
    }

    /// Where the value ends.
    fn value_at(&mut self, tree: &PathTree, bytes: &'a [u8], at: usize, nested: u32) -> Option<usize> {
        let is_entered = match bytes.get(at)? {
            b'{' => true,
            b'[' => nested < MAX_NESTED_ARRAYS,
            _ => false,
        };
        if is_entered && !tree.children.is_empty() {
            return self.at_once(tree, bytes, at, nested);
        }
        Some(at + first_value(&bytes[at..]).ok()?.1)
    }

    /// The same by slices: of duplicates the last counts, and damage ends only the object or array that it is in.
    fn descend(&mut self, tree: &PathTree, value: Value<'a>, nested: u32) {
        match value {
            Value::Object(_) if !tree.children.is_empty() => self.members(tree, value),
            Value::Array(_) if !tree.children.is_empty() && nested < MAX_NESTED_ARRAYS => {
                for element in value.elements().map_while(Result::ok) {
                    self.descend(tree, element, nested + 1);
                }
            }
            _ => {}
        }
    }

    fn members(&mut self, tree: &PathTree, object: Value<'a>) {
        let start = self.last.len();
        self.last.resize(start + tree.children.len(), None);
        for (key, member) in object.members().map_while(Result::ok) {
            if let Some(at) = tree.position(&key) {
                self.last[start + at] = Some(member);
            }
        }
        for (at, child) in tree.children.iter().enumerate() {
            if let Some(member) = self.last[start + at] {
                self.arrive(child, member);
            }
        }
        self.last.truncate(start);
    }

    fn arrive(&mut self, child: &Child, member: Value<'a>) {
        self.found.extend(child.ends.iter().map(|number| (*number, member)));
        self.descend(&child.below, member, 0);
    }
}

fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(at) {
        at += 1;
    }
    at
}

/// The place behind this byte, if it is there.
fn after(bytes: &[u8], at: usize, byte: u8) -> Option<usize> {
    (bytes.get(at) == Some(&byte)).then_some(at + 1)
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use proptest::prelude::*;

    use super::*;
    use crate::{
        json::quote,
        record::{PathValue, Record},
    };

    const NAMES: [&str; 4] = ["a", "b", "c", "é\"\\"];

    /// Every value with the place of its path, path by path.
    type Values<'a> = Vec<(usize, Value<'a>)>;

    fn at_once<'a>(paths: &[FieldPath], bytes: &'a [u8]) -> Values<'a> {
        let mut tree = PathTree::default();
        for (number, path) in paths.iter().enumerate() {
            tree.insert(path, number);
        }
        let mut values = tree.values(bytes);
        values.sort_by_key(|(number, _)| *number);
        values
    }

    fn one_by_one<'a>(paths: &[FieldPath], bytes: &'a [u8]) -> Values<'a> {
        let mut values = Values::new();
        for (number, path) in paths.iter().enumerate() {
            let _ = Record::new(bytes).visit(path, &mut |value| {
                if let PathValue::InRecord(value) = value {
                    values.push((number, value));
                }
                ControlFlow::Continue(())
            });
        }
        values
    }

    /// What the paths lead to by `serde_json`, in which the last of duplicates counts too.
    fn by_serde(paths: &[FieldPath], bytes: &[u8]) -> Vec<(usize, serde_json::Value)> {
        fn follow(value: &serde_json::Value, names: &[String], nested: u32, to: &mut Vec<serde_json::Value>) {
            let Some((name, rest)) = names.split_first() else { return to.push(value.clone()) };
            if let Some(elements) = value.as_array().filter(|_| nested < 16) {
                for element in elements {
                    follow(element, names, nested + 1, to);
                }
            } else if let Some(member) = value.get(name) {
                follow(member, rest, 0, to);
            }
        }
        let root: serde_json::Value = serde_json::from_slice(bytes).unwrap();
        let mut values = Vec::new();
        for (number, path) in paths.iter().enumerate() {
            let mut found = Vec::new();
            follow(&root, path.segments(), 0, &mut found);
            values.extend(found.into_iter().map(|value| (number, value)));
        }
        values
    }

    fn paths(texts: &[&str]) -> Vec<FieldPath> {
        texts.iter().map(|text| FieldPath::parse(text).unwrap()).collect()
    }

    #[track_caller]
    fn check(texts: &[&str], record: &str, expected: &[(usize, &str)]) {
        let paths = paths(texts);
        let found = at_once(&paths, record.as_bytes());
        let shown: Vec<_> =
            found.iter().map(|(n, v)| (*n, String::from_utf8(v.json().into_owned()).unwrap())).collect();
        assert_eq!(shown, expected.iter().map(|(n, v)| (*n, (*v).to_owned())).collect::<Vec<_>>());
        assert_eq!(found, one_by_one(&paths, record.as_bytes()));
    }

    #[test]
    fn paths_that_begin_alike_and_end_within_each_other_are_all_followed() {
        check(
            &["a.b.c", "a.b", "a", "a.b.c", "x"],
            r#"{"a":[{"b":{"c":1}},{"b":[{"c":2},{}]}],"c":3}"#,
            &[
                (0, "1"),
                (0, "2"),
                (1, r#"{"c":1}"#),
                (1, r#"[{"c":2},{}]"#),
                (2, r#"[{"b":{"c":1}},{"b":[{"c":2},{}]}]"#),
                (3, "1"),
                (3, "2"),
            ],
        );
    }

    #[test]
    fn of_duplicates_the_last_counts_at_every_level() {
        check(
            &["a.b", "a.c"],
            r#"{"a":{"b":0},"\u0061":{"b":1,"b":2,"c":3,"c":null}}"#,
            &[(0, "2"), (1, "null")],
        );
        check(&["a.b"], r#"{"a":{"b":0},"a":"text"}"#, &[]);
    }

    #[test]
    fn a_name_has_any_number_of_names_below_it() {
        let names: Vec<String> = (0..70).map(|n| format!("n{n}")).collect();
        let paths: Vec<FieldPath> = names.iter().map(|name| FieldPath::new(["a", name])).collect();
        let members: Vec<String> = names.iter().rev().map(|name| format!("\"{name}\":\"{name}\"")).collect();
        let record = format!("{{\"a\":[{{}},{{{}}}]}}", members.join(","));
        let found = at_once(&paths, record.as_bytes());
        assert_eq!(found.len(), 70);
        assert_eq!(found, one_by_one(&paths, record.as_bytes()));
    }

    #[test]
    fn arrays_are_looked_through_so_far_and_no_further() {
        for (depth, count) in [(1, 1), (16, 1), (17, 0), (500_000, 0)] {
            let nested = format!("{}{{\"b\":1}}{}", "[".repeat(depth), "]".repeat(depth));
            let record = format!(r#"{{"a":{nested},"b":{{"b":{nested}}}}}"#);
            let found = at_once(&paths(&["a.b", "b.b"]), record.as_bytes());
            assert_eq!(found.len(), count + 1, "{depth}");
        }
    }

    #[test]
    fn a_million_elements_are_walked_once_and_in_order() {
        let elements: Vec<String> = (0..1_000_000).map(|n| format!(r#"{{"b":{n}}}"#)).collect();
        let record = format!(r#"{{"a":[{}]}}"#, elements.join(","));
        let found = at_once(&paths(&["a.b", "a.c", "a.b.c"]), record.as_bytes());
        assert_eq!(found.len(), 1_000_000);
        let number = |value: &Value<'_>| value.text().unwrap().parse::<usize>().unwrap();
        assert!(found.iter().enumerate().all(|(at, (_, value))| number(value) == at));
    }

    /// JSON as the bytes of `choices` say: names of few kinds, often twice, some with escapes.
    fn json(choices: &mut std::slice::Iter<'_, u8>, depth: u32, to: &mut Vec<u8>) {
        let choice = choices.next().copied().unwrap_or(0);
        let count = choice >> 3 & 3;
        match choice & 7 {
            1..=4 if depth < 12 => {
                to.push(b'{');
                for at in 0..=count {
                    to.extend_from_slice(if at > 0 { b" ," } else { b"" });
                    let name = choices.next().copied().unwrap_or(0);
                    match (name & 3, name >> 5) {
                        (0, 0) => to.extend_from_slice(b"\"\\u0061\""),
                        (3, _) => quote(NAMES[3], to),
                        (index, _) => quote(NAMES[usize::from(index)], to),
                    }
                    to.extend_from_slice(b" : ");
                    json(choices, depth + 1, to);
                }
                to.push(b'}');
            }
            5 | 6 if depth < 12 => {
                to.push(b'[');
                for at in 0..count {
                    to.extend_from_slice(if at > 0 { b",\n" } else { b"" });
                    json(choices, depth + 1, to);
                }
                to.push(b']');
            }
            7 => to.extend_from_slice(b"null"),
            _ => to.extend_from_slice(format!("\"{choice}\"").as_bytes()),
        }
    }

    fn object(choices: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        // first, an object of four members
        json(&mut [&[25], choices].concat().iter(), 0, &mut bytes);
        bytes
    }

    fn any_paths() -> impl Strategy<Value = Vec<FieldPath>> {
        let path = proptest::collection::vec(proptest::sample::select(NAMES.to_vec()), 1..5);
        proptest::collection::vec(path.prop_map(FieldPath::new), 1..9)
    }

    proptest! {
        #[test]
        fn what_is_found_at_once_is_what_is_found_path_by_path(
            paths in any_paths(),
            choices in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let bytes = object(&choices);
            let found = at_once(&paths, &bytes);
            prop_assert_eq!(&found, &one_by_one(&paths, &bytes));
            let parse = |value: &Value<'_>| serde_json::from_slice(&value.json()).unwrap();
            let found: Vec<_> = found.iter().map(|(number, value)| (*number, parse(value))).collect();
            prop_assert_eq!(found, by_serde(&paths, &bytes));
        }

        #[test]
        fn damage_ends_both_ways_at_the_same_place(
            paths in any_paths(),
            choices in proptest::collection::vec(any::<u8>(), 0..200),
            damage in proptest::collection::vec(
                (any::<prop::sample::Index>(), proptest::sample::select(b"{}[]\",:\\ax".to_vec())),
                0..4,
            ),
        ) {
            let mut bytes = object(&choices);
            for (place, byte) in damage {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            prop_assert_eq!(at_once(&paths, &bytes), one_by_one(&paths, &bytes));
        }
    }
}
