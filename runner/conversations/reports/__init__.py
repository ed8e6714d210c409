"""What a run of conversations brought, for people and programs: texts, JUnit, JSON, a page, GitHub."""
