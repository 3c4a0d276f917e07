"""Pages of messages: campaigns, written, sent and looked at afterwards."""
