// Newlines that end statements. The parser asks for one only where a statement may end; so brackets and operators at the end of a line need
// no care here. A line that begins with `|>` or `else` goes on with the one before, and before `}` and the end of the file nothing has to end.
#include "tree_sitter/parser.h"

enum Token { NEWLINE };

void *tree_sitter_dlm_external_scanner_create(void) { return NULL; }
void tree_sitter_dlm_external_scanner_destroy(void *payload) { (void)payload; }
unsigned tree_sitter_dlm_external_scanner_serialize(void *payload, char *buffer) {
  (void)payload;
  (void)buffer;
  return 0;
}
void tree_sitter_dlm_external_scanner_deserialize(void *payload, const char *buffer, unsigned length) {
  (void)payload;
  (void)buffer;
  (void)length;
}

static bool is_blank(int32_t c) { return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == 0xFEFF; }

static bool is_word(int32_t c) {
  return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c > 127;
}

// Passes blanks, newlines and comments, which are no part of the token.
static void pass_over(TSLexer *lexer) {
  for (;;) {
    if (is_blank(lexer->lookahead) || lexer->lookahead == '\n') {
      lexer->advance(lexer, false);
    } else if (lexer->lookahead == '#') {
      while (!lexer->eof(lexer) && lexer->lookahead != '\n') lexer->advance(lexer, false);
    } else {
      return;
    }
  }
}

// Whether the line that follows goes on with the statement before it.
static bool goes_on(TSLexer *lexer) {
  if (lexer->eof(lexer) || lexer->lookahead == '}') return true;
  if (lexer->lookahead == '|') {
    lexer->advance(lexer, false);
    return lexer->lookahead == '>';
  }
  for (const char *at = "else"; *at != '\0'; at++) {
    if (lexer->lookahead != *at) return false;
    lexer->advance(lexer, false);
  }
  return !is_word(lexer->lookahead);
}

bool tree_sitter_dlm_external_scanner_scan(void *payload, TSLexer *lexer, const bool *valid) {
  (void)payload;
  if (!valid[NEWLINE]) return false;
  while (is_blank(lexer->lookahead)) lexer->advance(lexer, true);
  if (lexer->lookahead != '\n' && lexer->lookahead != ';') return false;
  bool semicolon = lexer->lookahead == ';';
  lexer->advance(lexer, false);
  lexer->mark_end(lexer);
  lexer->result_symbol = NEWLINE;
  if (semicolon) return true;
  pass_over(lexer);
  if (lexer->lookahead == ';') return false;
  return !goes_on(lexer);
}
