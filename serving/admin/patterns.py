"""Regular expressions for JSON schemas: a phrase needs two letters or digits that folding keeps."""

from __future__ import annotations

# The long runs of them, and all up to U+024F, as validators differ about \w and \p{L}. All 737 runs would cost
# whoever compiles the pattern or draws examples of it seconds; what is stored is decided by folding itself.
LETTERS = (
    "["
    "\u0030-\u0039\u0041-\u005a\u0061-\u007a\u00aa\u00b2-\u00b3\u00b5\u00b9-\u00ba\u00bc-\u00be"
    "\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02b8\u03a3-\u03f5\u03f7-\u0481\u048a-\u052f\u0671-\u06d3"
    "\u074d-\u07b1\u0900-\u093b\u0d12-\u0d44\u0e01-\u0e3a\u1000-\u1049\u1050-\u109d\u10fc-\u115e"
    "\u1161-\u1248\u12d8-\u1310\u1318-\u135a\u13a0-\u13f5\u1401-\u166c\u16a0-\u16ea\u1780-\u17d3"
    "\u1820-\u1878\u18b0-\u18f5\u1a20-\u1a5e\u1b00-\u1b4c\u1b80-\u1bf3\u1c00-\u1c36\u1c4d-\u1c7d"
    "\u1d00-\u1dbf\u1e00-\u1f15\u1f80-\u1fb4\u2150-\u2189\u2460-\u249b\u2c00-\u2ce4\u2d30-\u2d67"
    "\u3041-\u3096\u30a1-\u30fa\u3131-\u3163\u3400-\u4dbf\u4e00-\ua48c\ua500-\ua60c\ua6a0-\ua6f1"
    "\ua722-\ua788\ua78d-\ua7ca\ua7f2-\ua827\ua840-\ua873\ua880-\ua8c5\ua8fd-\ua92d\ua980-\ua9c0"
    "\uaa00-\uaa36\uaa7a-\uaac2\uab70-\uabea\uac00-\ud7a3\ud7cb-\ud7fb\uf900-\ufa6d\ufa70-\ufad9"
    "\ufb46-\ufbb1\ufbd3-\ufc5d\ufc64-\ufcf1\ufcf5-\ufd3d\ufd50-\ufd8f\ufd92-\ufdc7\ufe80-\ufefc"
    "\uff66-\uff9f\U00010080-\U000100fa\U00010140-\U00010178\U000102a0-\U000102d0\U00010400-\U0001049d"
    "\U00010530-\U00010563\U00010600-\U00010736\U00010980-\U000109b7\U000109d2-\U00010a03"
    "\U00010b00-\U00010b35\U00010c00-\U00010c48\U00010c80-\U00010cb2\U00010cc0-\U00010cf2"
    "\U00011000-\U00011046\U0001107f-\U000110b9\U00011100-\U00011134\U00011180-\U000111c4"
    "\U000112b0-\U000112e8\U00011400-\U00011445\U00011480-\U000114c2\U00011580-\U000115b5"
    "\U00011600-\U00011640\U00011680-\U000116b6\U00011800-\U00011839\U000118a0-\U000118f2"
    "\U00011a00-\U00011a3e\U00011a50-\U00011a99\U00011ab0-\U00011af8\U00012000-\U00012399"
    "\U00012400-\U0001246e\U00012480-\U00012543\U00012f90-\U00012ff0\U00013000-\U0001342e"
    "\U00014400-\U00014646\U00016800-\U00016a38\U00016a70-\U00016abe\U00016b00-\U00016b2f"
    "\U00016e40-\U00016e96\U00016f00-\U00016f4a\U00016f4f-\U00016f87\U00017000-\U000187f7"
    "\U00018800-\U00018cd5\U0001b000-\U0001b122\U0001b170-\U0001b2fb\U0001bc00-\U0001bc6a"
    "\U0001d400-\U0001d454\U0001d456-\U0001d49c\U0001d4c5-\U0001d505\U0001d552-\U0001d6a5"
    "\U0001d7ce-\U0001d7ff\U0001e2c0-\U0001e2f9\U0001e800-\U0001e8c4\U0001e900-\U0001e943"
    "\U0001ec71-\U0001ecab\U00020000-\U0002a6df\U0002a700-\U0002b738\U0002b740-\U0002b81d"
    "\U0002b820-\U0002cea1\U0002ceb0-\U0002ebe0\U0002f800-\U0002fa1d\U00030000-\U0003134a"
    "]"
)
"""A regular expression of one such letter or digit."""

TWO_LETTERS = f"{LETTERS}[\\s\\S]*{LETTERS}"
"""A regular expression found in nearly every text with two of them, and in no other."""
