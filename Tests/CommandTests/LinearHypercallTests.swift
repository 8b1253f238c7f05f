import Addresses
import Foundation
import Recordings
import Testing

/// As ``LinearTimeTests``, for what hypercalls of a recording ask: claims and stores in turn, donations, huge ranges.
@Suite("The time of a replay grows as its hypercalls do", .serialized)
struct LinearHypercallTests {
  private func expectLinear(
    _ sizes: [UInt64], strategy: String = "filter", _ record: (Program.Folder, UInt64) throws -> String
  ) throws {
    let folder = try Program.Folder()
    let seconds = try sizes.map { size in
      let usage = try Program.measure(
        ["run", try record(folder, size), "--counters-only", "--profile", "icelake-sp", "--strategy", strategy])
      #expect(usage.status == 0)
      return usage.seconds
    }
    #expect(seconds[1] < 9 * max(seconds[0], 0.15), "\(seconds)")
  }

  @Test("where claims and refused stores come in turn, or pages are given up in turn", arguments: ["filter", "pml"])
  func claims(strategy: String) throws {
    try expectLinear([4000, 16_000], strategy: strategy) { folder, count in
      let driver = try RecordedDriver(folder.path + "/\(count).trace")
      for number in 0..<count {
        try driver.protect(0x4000 + 2 * number, region: 1 + number % 50)
        try driver.store(to: 0x4000 + 2 * number)
      }
      for number in 0..<count {
        try driver.call(5, 0x4000 + 2 * number, 1, 0, number % 2 * (1 + number % 50))
        try driver.store(to: 0x4000 + 2 * (count - 1))
      }
      return try driver.finish()
    }
  }

  @Test("where every page for the tree is donated by itself")
  func donations() throws {
    try expectLinear([12_000, 48_000]) { folder, count in
      let driver = try RecordedDriver(folder.path + "/\(count).trace")
      for number in 0..<count {
        try driver.call(7, 0x4_0000 + 2 * number, 1)
        try driver.protect(0x8_0000 + 2 * number)
      }
      return try driver.finish()
    }
  }

  @Test("where a region is many bytes here and there, to be told apart by sub-pages")
  func subPages() throws {
    try expectLinear([15_000, 60_000], strategy: "spp") { folder, count in
      let regions = (0..<count).map { number in
        RecordingDescription.Region(id: 1, name: "r", gpa: (0x4000 + 2 * number) << 12 | 0x100, bytes: 8)
      }
      let driver = try RecordedDriver(folder.path + "/\(count).trace", regions: regions)
      try driver.protect(0x4000, pages: 2 * count)
      for number in 0..<count { try driver.store(to: 0x4000 + 2 * number) }
      return try driver.finish()
    }
  }
}
