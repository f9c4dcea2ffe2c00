"""The watch: answers planned requests, and plans again what an answer touches by what it says itself."""
