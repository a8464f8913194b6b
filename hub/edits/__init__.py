"""Edits of payloads: patches merged on the real document, so that masked fields stay what they were; what differs
afterwards; and drafts."""
