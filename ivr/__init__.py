"""The centre: what is said, who answers, what is kept.  Knows only `import cti_board`."""
