//! The words of an expression, with those that name fields marked as names.

use sqlparser::{
    dialect::GenericDialect,
    keywords::Keyword,
    tokenizer::{Location, Token, TokenWithSpan, Tokenizer, Word},
};

use super::{ExpressionError, TextPlace};
use crate::path::known_name;

/// No place: the parenthesis there has no other.
const NONE: usize = usize::MAX;

/// The longest part of an expression that an error shows, in characters.
const MAX_SNIPPET: usize = 80;

pub(super) struct Tokens<'a> {
    text: &'a str,
    words: Vec<TokenWithSpan>,
    /// For every opening parenthesis, where it closes.
    closers: Vec<usize>,
}

impl<'a> Tokens<'a> {
    pub(super) fn read(text: &'a str) -> Result<Self, ExpressionError> {
        let mut tokens = Tokenizer::new(&GenericDialect, text).tokenize_with_location().map_err(|error| {
            ExpressionError::Syntax {
                place: error.location.into(),
                detail: lower_first(&error.message),
                hint: None,
            }
        })?;
        tokens.retain(|token| !matches!(token.token, Token::Whitespace(_) | Token::EOF));
        if tokens.is_empty() {
            return Err(ExpressionError::Empty);
        }
        mark_names(&mut tokens);
        let closers = match_parentheses(&tokens)?;
        Ok(Self { text, words: tokens, closers })
    }

    pub(super) fn token(&self, at: usize) -> Option<&Token> {
        self.words.get(at).map(|token| &token.token)
    }

    pub(super) fn is_keyword(&self, at: usize, keyword: Keyword) -> bool {
        matches!(self.token(at), Some(Token::Word(word)) if word.quote_style.is_none() && word.keyword == keyword)
    }

    /// Whether a name is written in backticks, anywhere.
    pub(super) fn is_in_backticks(&self, name: &str) -> bool {
        let is_it = |token: &TokenWithSpan| matches!(&token.token, Token::Word(word) if word.quote_style == Some('`') && word.value == name);
        self.words.iter().any(is_it)
    }

    /// Where the parenthesis at `at` closes.
    pub(super) fn closer(&self, at: usize) -> Option<usize> {
        self.closers.get(at).copied().filter(|closer| *closer != NONE)
    }

    pub(super) fn slice(&self, from: usize, to: usize) -> &[TokenWithSpan] {
        &self.words[from..to]
    }

    pub(super) fn place(&self, at: usize) -> TextPlace {
        let token = self.words.get(at).or(self.words.last());
        token.map_or(TextPlace { line: 1, column: 1 }, |token| {
            // behind the last token, what is missing is missing at its end
            if at < self.words.len() { token.span.start.into() } else { token.span.end.into() }
        })
    }

    /// What was written from one token up to another, shortened.
    pub(super) fn snippet(&self, from: usize, to: usize) -> String {
        let start = self.offset(from);
        let end = self.offset(to).max(start);
        let written = self.text.get(start..end).unwrap_or_default().trim();
        match written.char_indices().nth(MAX_SNIPPET) {
            Some((cut, _)) => format!("{}…", &written[..cut]),
            None => written.to_owned(),
        }
    }

    /// Where a token begins in the text, in bytes.
    fn offset(&self, at: usize) -> usize {
        let Some(token) = self.words.get(at) else { return self.text.len() };
        let Location { line, column } = token.span.start;
        let lines = self.text.split_inclusive('\n');
        let before: usize = lines.take(line.saturating_sub(1) as usize).map(str::len).sum();
        let rest = self.text.get(before..).unwrap_or_default();
        let within = rest.char_indices().nth(column.saturating_sub(1) as usize);
        before + within.map_or(rest.len(), |(offset, _)| offset)
    }
}

impl From<Location> for TextPlace {
    fn from(location: Location) -> Self {
        Self { line: location.line.max(1), column: location.column.max(1) }
    }
}

pub(super) fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}

/// Takes SQL's meaning from the words that are names: those beside a dot, the known fields, and SQL's words that have no meaning
/// in a condition.
fn mark_names(tokens: &mut [TokenWithSpan]) {
    for at in 0..tokens.len() {
        let is_dot = |token: Option<&TokenWithSpan>| token.is_some_and(|token| token.token == Token::Period);
        let follows_dot = at > 0 && is_dot(tokens.get(at - 1));
        let next = tokens.get(at + 1).map(|token| &token.token);
        let is_before_dot = is_dot(tokens.get(at + 1));
        let is_call = next == Some(&Token::LParen);
        let is_type = at > 0
            && match &tokens[at - 1].token {
                Token::Word(word) => word.keyword == Keyword::AS,
                token => *token == Token::DoubleColon,
            };
        let is_before_text = matches!(next, Some(Token::SingleQuotedString(_)));
        let Token::Word(word) = &tokens[at].token else { continue };
        let is_name = word.quote_style.is_none()
            && (follows_dot
                || is_before_dot
                || !is_call
                    && !is_type
                    && (known_name(&word.value).is_some() || !is_of_the_language(word, is_before_text)));
        if is_name {
            let word = Word { value: word.value.clone(), quote_style: None, keyword: Keyword::NoKeyword };
            tokens[at].token = Token::Word(word);
        }
    }
}

/// SQL's words that mean something in a condition, or whose presence shows what was misunderstood.
const LANGUAGE: [Keyword; 44] = {
    use Keyword as K;
    [
        K::ALL,
        K::AND,
        K::ANY,
        K::AS,
        K::ASC,
        K::BETWEEN,
        K::BY,
        K::CASE,
        K::COLLATE,
        K::DESC,
        K::DISTINCT,
        K::ELSE,
        K::END,
        K::ESCAPE,
        K::EXISTS,
        K::FALSE,
        K::FROM,
        K::GROUP,
        K::HAVING,
        K::ILIKE,
        K::IN,
        K::IS,
        K::LIKE,
        K::LIMIT,
        K::NOT,
        K::NULL,
        K::OR,
        K::ORDER,
        K::OVER,
        K::REGEXP,
        K::RLIKE,
        K::SELECT,
        K::SIMILAR,
        K::SOME,
        K::SYMMETRIC,
        K::THEN,
        K::TO,
        K::TRUE,
        K::UNION,
        K::UNKNOWN,
        K::WHEN,
        K::WHERE,
        K::WITH,
        K::XOR,
    ]
};

/// Whether a word that stands alone is SQL's and not a name.
fn is_of_the_language(word: &Word, is_before_text: bool) -> bool {
    use Keyword as K;
    match word.keyword {
        K::DATE | K::TIMESTAMP | K::DATETIME | K::INTERVAL => is_before_text,
        keyword => LANGUAGE.contains(&keyword),
    }
}

fn match_parentheses(tokens: &[TokenWithSpan]) -> Result<Vec<usize>, ExpressionError> {
    let mut closers = vec![NONE; tokens.len()];
    let mut open = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match token.token {
            Token::LParen => open.push(at),
            Token::RParen => {
                let opener = open.pop().ok_or_else(|| unmatched(token, "nothing opens this parenthesis"))?;
                closers[opener] = at;
            }
            _ => {}
        }
    }
    match open.pop() {
        Some(at) => Err(unmatched(&tokens[at], "this parenthesis is not closed")),
        None => Ok(closers),
    }
}

fn unmatched(token: &TokenWithSpan, detail: &str) -> ExpressionError {
    ExpressionError::Syntax { place: token.span.start.into(), detail: detail.to_owned(), hint: None }
}
