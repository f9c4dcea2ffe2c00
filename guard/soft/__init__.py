"""GUARD's soft matching: a bias against tokens whose embeddings are close to a forbidden phrase's."""
