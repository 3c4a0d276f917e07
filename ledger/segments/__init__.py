"""Segments: which members of a programme are meant.

A segment is a tree of nodes, written as a document: `{"kind": "purchase", "days": 30}` is a leaf,
`all`, `any` and `not` have other nodes in them. Each kind of node is a class in a file of its own,
with the fields of its document and the SQL condition that it means; see `kinds`. Campaigns ask for
all members who belong to one tree; a till asks for one member and many trees; see `membership`."""
