"""Members, opening balances and bulk operations from a file.

A file is read once and checked row by row. Rows that can be applied wait in parts, each small
enough for one transaction. One commit applies a part, notes what became of its rows, and deletes
the part. So every row happens exactly once, even if the process is killed in the middle. Of the
file itself only its digest is kept."""
