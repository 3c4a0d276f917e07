"""Members, opening balances and bulk operations from a file.

A file is read once and checked row by row. What can be applied waits in parts, each small enough
for one transaction; applying a part, noting what became of its rows and forgetting it are one
commit, so that every row happens exactly once, whoever is killed in the middle. Of the file itself
nothing is kept but its digest."""
