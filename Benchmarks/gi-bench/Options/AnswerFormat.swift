import ArgumentParser

/// Formats of answers that are no reports.
enum AnswerFormat: String, CaseIterable, ExpressibleByArgument { case text, json }
