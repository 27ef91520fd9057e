"""What it adds up to: questions over many accounts, answered from the tables; nothing is decided or written here."""
