//! `AND`, `OR`, `NOT` and parentheses, down to the single conditions.
//!
//! The SQL parser reads single conditions only: a chain of a hundred thousand `OR`s would become a tree of that
//! depth there, and here it is one node.

use sqlparser::{
    dialect::GenericDialect,
    keywords::Keyword,
    parser::{Parser, ParserError},
    tokenizer::{Token, TokenWithSpan, Word},
};

use super::{
    ExpressionError, MAX_DEPTH, TextPlace,
    leaf::Leaf,
    operand::RELATIVE,
    tokens::{Tokens, lower_first},
};
use crate::{derived::Named, path::FieldPath, predicate::Predicate};

/// The brackets within one condition.
const MAX_LEAF_DEPTH: usize = 8;
/// The words between two commas of one condition: what follows one another nests in the SQL parser's tree.
const MAX_LEAF_WORDS: u32 = 64;

/// The condition, and notes on what is odd about its patterns.
pub(super) fn build(tokens: &Tokens<'_>) -> Result<(Predicate, Vec<String>), ExpressionError> {
    let mut builder = Builder { tokens, at: 0, depth: 0, elements: 0, leaf: Leaf::default() };
    let predicate = builder.any()?;
    match tokens.token(builder.at) {
        None => Ok((predicate, builder.leaf.into_notes())),
        Some(_) => Err(builder.unexpected(builder.at)),
    }
}

/// Makes names that stand for something of the event (`error`, `file`) those of members, which is all that an element has.
fn as_members(tokens: &mut [TokenWithSpan]) {
    for at in 0..tokens.len() {
        let is_call = tokens.get(at + 1).is_some_and(|next| next.token == Token::LParen);
        if let Token::Word(word) = &mut tokens[at].token
            && word.quote_style.is_none()
            && !is_call
            && Named::of(&word.value).is_some()
        {
            word.quote_style = Some('`');
        }
    }
}

struct Builder<'a> {
    tokens: &'a Tokens<'a>,
    at: usize,
    depth: u32,
    /// How many `element(…)` stand around.
    elements: u32,
    leaf: Leaf,
}

impl Builder<'_> {
    fn any(&mut self) -> Result<Predicate, ExpressionError> {
        let mut parts = Vec::new();
        loop {
            match self.all()? {
                Predicate::Any(more) => parts.extend(more),
                one => parts.push(one),
            }
            if !self.eat(Keyword::OR) {
                return Ok(Predicate::any(parts));
            }
        }
    }

    fn all(&mut self) -> Result<Predicate, ExpressionError> {
        let mut parts = Vec::new();
        loop {
            match self.negation()? {
                Predicate::All(more) => parts.extend(more),
                one => parts.push(one),
            }
            if !self.eat(Keyword::AND) {
                return Ok(if parts.len() == 1 { parts.remove(0) } else { Predicate::All(parts) });
            }
        }
    }

    fn negation(&mut self) -> Result<Predicate, ExpressionError> {
        let outer = self.depth;
        while self.eat(Keyword::NOT) {
            self.enter(self.at - 1)?;
        }
        let mut predicate = self.single()?;
        while self.depth > outer {
            predicate = !predicate;
            self.depth -= 1;
        }
        Ok(predicate)
    }

    fn single(&mut self) -> Result<Predicate, ExpressionError> {
        match self.tokens.token(self.at) {
            Some(Token::LParen) => match self.tokens.closer(self.at) {
                Some(closer) if self.is_end(closer + 1) => self.group(closer),
                _ => self.condition(),
            },
            Some(Token::Word(Word { value, quote_style: None, .. }))
                if value.eq_ignore_ascii_case("element")
                    && self.tokens.token(self.at + 1) == Some(&Token::LParen) =>
            {
                self.element()
            }
            _ => self.condition(),
        }
    }

    /// `( … )`, of which the outer parentheses stand around whole conditions.
    fn group(&mut self, closer: usize) -> Result<Predicate, ExpressionError> {
        self.enter(self.at)?;
        self.at += 1;
        let inner = self.any()?;
        if self.at != closer {
            return Err(self.unexpected(self.at));
        }
        self.at = closer + 1;
        self.depth -= 1;
        Ok(inner)
    }

    /// `element(path, condition)`.
    fn element(&mut self) -> Result<Predicate, ExpressionError> {
        let start = self.at;
        let usage = |place| ExpressionError::Syntax {
            place,
            detail: "element is written element(resources, type = '…' AND ARN LIKE '…')".to_owned(),
            hint: None,
        };
        let closer = self.tokens.closer(start + 1).unwrap_or(start + 1);
        let mut names = Vec::new();
        self.at += 2;
        loop {
            let Some(Token::Word(word)) = self.tokens.token(self.at) else {
                return Err(usage(self.tokens.place(self.at)));
            };
            names.push(word.value.clone());
            self.at += 2;
            match self.tokens.token(self.at - 1) {
                Some(Token::Period) => {}
                Some(Token::Comma) => break,
                _ => return Err(usage(self.tokens.place(self.at - 1))),
            }
        }
        self.enter(start)?;
        self.elements += 1;
        let inner = self.any()?;
        self.elements -= 1;
        if self.at != closer {
            return Err(self.unexpected(self.at));
        }
        self.at = closer + 1;
        self.depth -= 1;
        Ok(Predicate::Element(FieldPath::new(names), Box::new(inner)))
    }

    /// Whatever stands up to the next `AND`, `OR` or closing parenthesis.
    fn condition(&mut self) -> Result<Predicate, ExpressionError> {
        let (start, end) = (self.at, self.end_of_condition()?);
        if start == end {
            return Err(self.unexpected(start));
        }
        self.at = end;
        let mut tokens = self.tokens.slice(start, end).to_vec();
        if self.elements > 0 {
            as_members(&mut tokens);
        }
        let mut parser = Parser::new(&GenericDialect).with_tokens_with_locations(tokens);
        let expr = parser.parse_expr().map_err(|error| self.syntax(start, error))?;
        let rest = parser.peek_token();
        if rest.token != Token::EOF {
            let left = self.tokens.slice(start, end).iter().position(|token| token.span == rest.span);
            let mut error = self.unexpected(start + left.unwrap_or_default());
            if let ExpressionError::Syntax { hint: hint @ None, .. } = &mut error {
                *hint = self.hint(start).or_else(|| self.hint_at_interval(start));
            }
            return Err(error);
        }
        self.leaf.predicate(&expr).map_err(|fault| ExpressionError::Refused {
            place: self.tokens.place(start),
            snippet: self.tokens.snippet(start, end),
            fault,
        })
    }

    fn end_of_condition(&self) -> Result<usize, ExpressionError> {
        let mut words = vec![0];
        let mut betweens = 0;
        let mut at = self.at;
        while let Some(token) = self.tokens.token(at) {
            let is_outermost = words.len() == 1;
            match token {
                Token::RParen if is_outermost => break,
                Token::LParen | Token::LBracket | Token::LBrace => words.push(0),
                Token::RParen | Token::RBracket | Token::RBrace if !is_outermost => {
                    words.pop();
                }
                // commas between conditions are left to the parser's complaint
                Token::Comma if !is_outermost => words.iter_mut().rev().take(1).for_each(|words| *words = 0),
                _ if is_outermost && self.tokens.is_keyword(at, Keyword::OR) => break,
                _ if is_outermost && self.tokens.is_keyword(at, Keyword::AND) => {
                    if betweens == 0 {
                        break;
                    }
                    betweens -= 1;
                }
                _ if is_outermost && self.tokens.is_keyword(at, Keyword::BETWEEN) => betweens += 1,
                _ => {}
            }
            let too_many = words.last_mut().is_some_and(|words| {
                *words += 1;
                *words > MAX_LEAF_WORDS
            });
            if too_many || words.len() > MAX_LEAF_DEPTH {
                return Err(ExpressionError::TooDeep { place: self.tokens.place(at) });
            }
            at += 1;
        }
        Ok(at)
    }

    /// Whether a whole condition may end before this token.
    fn is_end(&self, at: usize) -> bool {
        matches!(self.tokens.token(at), None | Some(Token::RParen))
            || self.tokens.is_keyword(at, Keyword::AND)
            || self.tokens.is_keyword(at, Keyword::OR)
    }

    fn eat(&mut self, keyword: Keyword) -> bool {
        let is_there = self.tokens.is_keyword(self.at, keyword);
        self.at += usize::from(is_there);
        is_there
    }

    fn enter(&mut self, at: usize) -> Result<(), ExpressionError> {
        if self.depth == MAX_DEPTH {
            return Err(ExpressionError::TooDeep { place: self.tokens.place(at) });
        }
        self.depth += 1;
        Ok(())
    }

    fn unexpected(&self, at: usize) -> ExpressionError {
        let detail = match self.tokens.token(at) {
            None => "the condition ends here, and something is missing".to_owned(),
            Some(_) => format!("{:?} is not expected here", self.tokens.snippet(at, at + 1)),
        };
        ExpressionError::Syntax { place: self.tokens.place(at), detail, hint: self.hint(at) }
    }

    fn hint(&self, at: usize) -> Option<&'static str> {
        use Keyword as K;
        let clauses =
            [K::SELECT, K::WHERE, K::ORDER, K::GROUP, K::LIMIT, K::HAVING, K::FROM, K::UNION, K::WITH];
        if clauses.iter().any(|keyword| self.tokens.is_keyword(at, *keyword)) {
            return Some("only the condition is written, as it would follow WHERE");
        }
        match self.tokens.token(at)? {
            Token::StringConcat => Some("write OR"),
            Token::Overlap | Token::Ampersand => Some("write AND"),
            Token::ExclamationMark => Some("write NOT"),
            Token::SemiColon => Some("leave it out"),
            Token::Number(..) => Some("a path through an array holds if any element does: resources.ARN"),
            _ => None,
        }
    }

    /// What the SQL parser complained of in the condition that begins at `start`.
    fn syntax(&self, start: usize, error: ParserError) -> ExpressionError {
        let mut place = self.tokens.place(start);
        let message = match error {
            ParserError::RecursionLimitExceeded => return ExpressionError::TooDeep { place },
            ParserError::TokenizerError(message) | ParserError::ParserError(message) => message,
        };
        let (detail, at) = message.rsplit_once(" at Line: ").unwrap_or((&message, ""));
        if let Some((line, column)) = at.split_once(", Column: ")
            && let (Ok(line), Ok(column)) = (line.parse(), column.parse())
        {
            place = TextPlace { line, column };
        }
        let detail =
            lower_first(&detail.replace("Expected: ", "expected ").replace("found: EOF", "found its end"));
        // its grammar of what may follow IS is longer than a line
        let detail =
            match detail.strip_prefix("expected [NOT] NULL ").and_then(|rest| rest.split_once("found: ")) {
                Some((_, found)) => {
                    format!("NULL, NOT NULL, TRUE or FALSE follows IS, and = a value; found {found}")
                }
                None => detail,
            };
        let hint = self.hint(start).or_else(|| self.hint_at_pattern(start));
        let hint = hint.or_else(|| self.hint_at_interval(start));
        ExpressionError::Syntax { place, detail, hint }
    }

    /// `now() - interval '7' day`: a time that depends on now.
    fn hint_at_interval(&self, start: usize) -> Option<&'static str> {
        let has_interval = (start..self.at).any(|at| self.tokens.is_keyword(at, Keyword::INTERVAL));
        has_interval.then_some(RELATIVE)
    }

    /// `LIKE Get%`: to the parser, a remainder.
    fn hint_at_pattern(&self, start: usize) -> Option<&'static str> {
        let has_percent = (start..self.at).any(|at| self.tokens.token(at) == Some(&Token::Mod));
        has_percent.then_some("a pattern is written in single quotes: LIKE 'Get%'")
    }
}
