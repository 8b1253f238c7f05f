import Replay

/// A report before it has a format: what is said, in which order, not how it looks.
///
/// Run, comparison, gate and profile reports build documents; the text, Markdown and HTML exporters render them.
package struct Document: Equatable, Sendable {
  /// The heading of the whole.
  package var title: String
  /// Its parts in reading order.
  package var blocks: [Block]

  /// A document from its parts.
  package init(title: String, blocks: [Block] = []) {
    self.title = title
    self.blocks = blocks
  }

  /// One part of a document.
  package enum Block: Equatable, Sendable {
    /// Opens a section.
    case heading(String)
    /// Running text.
    case paragraph(String)
    /// Points of equal rank.
    case list([Cell])
    /// Names with their values.
    case facts([Fact])
    /// Rows and columns.
    case table(Table)
    /// For the eye; its figures also stand in a table.
    case picture(Picture)
  }

  /// A name with its value.
  package struct Fact: Equatable, Sendable {
    /// The name.
    package var name: String
    /// The value.
    package var value: String

    /// A name with its value.
    package init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }
}

/// Text that means well or ill.
package struct Cell: Equatable, Sendable, ExpressibleByStringLiteral {
  /// The text; it says everything also without its tone.
  package var text: String
  /// How it is meant.
  package var tone: Tone

  /// Text and tone.
  package init(_ text: String, _ tone: Tone = .plain) {
    self.text = text
    self.tone = tone
  }

  /// Plain text.
  package init(stringLiteral text: String) { self.init(text) }
}

/// How a text is meant.
package enum Tone: String, Equatable, Sendable {
  /// Neither good nor bad.
  case plain
  /// As it should be.
  case good
  /// Not as it should be.
  case bad
  /// Open.
  case doubtful
}
