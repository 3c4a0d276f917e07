"""The customer's pages. Who may call: anybody may join; a card is shown to anybody with its
link."""
