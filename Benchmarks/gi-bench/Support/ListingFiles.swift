import ArgumentParser
import Foundation
import Recordings
import Replay
import Report
import Synchronization

/// Files that list every notification, written as they come: of any length in constant memory, and whole or not at all.
final class ListingFiles: Sendable {
  private struct Entry {
    var listing: NotificationListing
    let output: TextOutput
  }

  private let entries: Mutex<[Entry]>

  /// Begins the files at these paths, whose ends tell their forms; `-` is rows on the standard output.
  init(_ paths: [String], priced profile: CycleProfile) throws {
    var begun: [Entry] = []
    for path in paths {
      let entry = Entry(
        listing: NotificationListing(as: try Self.form(of: path), priced: profile), output: try TextOutput(path: path))
      try entry.output.put(entry.listing.head)
      begun.append(entry)
    }
    entries = Mutex(begun)
  }

  /// What a path's end asks for.
  static func form(of path: String) throws -> NotificationListing.Form {
    if path == OutputOptions.standardOutput { return .csv }
    guard let form = NotificationListing.form(of: path) else {
      throw ValidationError(
        "--notifications \(path): its end tells no form; give FILE.csv, FILE.jsonl or FILE.perfetto.json")
    }
    return form
  }

  /// Adds one notification to each.
  func add(_ notification: ListedNotification, of trace: String) throws {
    try entries.withLock { entries in
      for i in entries.indices {
        try entries[i].output.put(entries[i].listing.text(of: notification, in: trace))
      }
    }
  }

  /// Puts the files in their places.
  func finish() throws {
    try entries.withLock { entries in
      for entry in entries {
        try entry.output.put(entry.listing.tail)
        try entry.output.finish()
      }
    }
  }
}
