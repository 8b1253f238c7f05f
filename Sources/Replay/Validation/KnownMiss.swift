import Foundation

/// A published measurement that the model is known to miss, and why: listed in a file, so that any other miss is news.
struct KnownMiss: Decodable, Equatable {
  /// The profile of the check.
  let profile: String
  /// The check's name.
  let check: String
  /// Why the model misses it, as far as that is known.
  let reason: String

  private struct Listing: Decodable {
    let schema: Int
    let misses: [KnownMiss]
  }

  /// Every known miss, from the file that comes with gi-bench.
  static func all() throws -> [KnownMiss] {
    try JSONDecoder().decode(Listing.self, from: Data(PackageResources.known_misses_json)).misses
  }
}
