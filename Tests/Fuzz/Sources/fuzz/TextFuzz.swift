import EPT
import Foundation
import Replay

@testable import Recordings
@testable import Report

/// Scripts of the walk protocol, in pieces as they might come from a pipe.
struct ScriptFuzz: FuzzTarget {
  var seeds: [[UInt8]] {
    [
      "w64 1000 2007\nw64 2000 3007\nw64 3000 4007\nw64 4000 5077\neptp 101e\ngpa 0 r\ngpa 0 w\nr64 1000\n",
      "cap adv=0 width=46\nctl ept=1 mbec=1\npolicy tlb=on\nreg cpl=3\ntrace 1\nla 400000 w\n",
      "pml 6000\nspptp 7000\nveinfo 8000\neptplist 9000\nvmfunc 0 1\ninvept 1 101e\ninvvpid 1 1 0\nzero\neptpok 101e\n",
    ].map { Array($0.utf8) }
  }

  func read(_ input: UnsafeRawBufferPointer) {
    var script = WalkScript(memory: SparseMemory(pageLimit: 64))
    var answer = ScriptAnswer()
    let middle = input.count / 2
    script.feed(UnsafeRawBufferPointer(rebasing: input[..<middle]), &answer)
    script.feed(UnsafeRawBufferPointer(rebasing: input[middle...]), &answer)
    script.finish(&answer)
    precondition(Self.count("ERR line ", atLineStartsOf: answer.bytes) == script.failures)
    // Whatever a script quotes, an answer is text that steers no terminal.
    guard !answer.bytes.allSatisfy({ (0x20...0x7e).contains($0) || $0 == UInt8(ascii: "\n") }) else { return }
    let text = String(decoding: answer.bytes, as: UTF8.self)
    precondition(!text.unicodeScalars.contains { SafeText.isActive($0) && $0 != "\n" })
  }
}

extension ScriptFuzz {
  private static func count(_ text: StaticString, atLineStartsOf bytes: [UInt8]) -> Int {
    bytes.withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return 0 }
      return bytes.indices.count { place in
        (place == 0 || bytes[place - 1] == UInt8(ascii: "\n")) && place + text.utf8CodeUnitCount <= bytes.count
          && memcmp(start + place, text.utf8Start, text.utf8CodeUnitCount) == 0
      }
    }
  }
}

/// Cycle profiles.
struct ProfileFuzz: FuzzTarget {
  var seeds: [[UInt8]] {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(
      path: "../../../../Sources/Replay/Profiles")
    let files = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
    return files.filter { $0.pathExtension == "json" }.compactMap { try? [UInt8](Data(contentsOf: $0)) } + [
      Array("{}".utf8)
    ]
  }

  func read(_ input: UnsafeRawBufferPointer) {
    do {
      let profile = try CycleProfile(json: Data(input), origin: "fuzz")
      precondition(!profile.name.isEmpty)
    } catch let error as ProfileError {
      precondition(error.description.hasPrefix("fuzz: "), error.description)
    } catch { fatalError("\(type(of: error)) came from a profile: \(error)") }
  }
}

/// Policies.
struct PolicyFuzz: FuzzTarget {
  var seeds: [[UInt8]] {
    [
      #"{"schema":1,"name":"p","regions":[{"name":"a","gpa":"0x1000","bytes":8}]}"#,
      #"{"schema":1,"name":"p","actions":["log"],"regions":[{"name":"a","symbol":"s","offset":4,"bytes":"0x8"}]}"#,
      #"{"schema":1,"name":"p","regions":[{"name":"a","from":"s","to":"t"},{"name":"b","page_tables":true}]}"#,
      #"{"schema":1,"name":"p","regions":[{"name":"a","section":"r","actions":["blockWrite","powerOff"]}]}"#,
    ].map { Array($0.utf8) }
  }

  func read(_ input: UnsafeRawBufferPointer) {
    do {
      let policy = try Policy(json: Data(input), origin: "fuzz")
      precondition(!policy.regions.isEmpty && policy.regions.allSatisfy { !$0.name.isEmpty })
    } catch let error as ReplayError {
      precondition(error.description.hasPrefix("fuzz: "), error.description)
    } catch { fatalError("\(type(of: error)) came from a policy: \(error)") }
  }
}

/// Descriptions of recordings.
struct DescriptionFuzz: FuzzTarget {
  private let file = InputFile("description")

  var seeds: [[UInt8]] {
    [
      #"{"title":"t","guest":{"ram_bytes":4096,"vcpus":1},"recorder":{"name":"r"}}"#,
      #"{"title":"t","guest":{},"recorder":{"name":"r"},"regions":[{"id":1,"name":"a","gpa":1,"bytes":2}]}"#,
    ].map { Array($0.utf8) }
  }

  func read(_ input: UnsafeRawBufferPointer) {
    file.put(input)
    do {
      let description = try RecordingDescription(path: file.path)
      for region in description.regions { precondition(region.gpa + region.bytes <= 1 << 52) }
      precondition(description.guest.ramBytes ?? 0 <= 1 << 52)
      // What was understood is understood again.
      let json = SafeText.json(String(decoding: try JSONEncoder().encode(description), as: UTF8.self))
      let again = try JSONDecoder().decode(RecordingDescription.self, from: Data(json.utf8))
      precondition(again == description)
    } catch { precondition(error is RecordingError, "\(error)") }
  }
}

/// Saved results and baselines.
struct ResultsFuzz: FuzzTarget {
  private static let saved = URL(filePath: #filePath).deletingLastPathComponent().appending(
    path: "../../../ReportTests/Golden/run.json")

  var seeds: [[UInt8]] { [(try? [UInt8](Data(contentsOf: Self.saved))) ?? [], Array("[]".utf8)] }

  func read(_ input: UnsafeRawBufferPointer) {
    do {
      let results = try SavedResults.decode(Data(input), origin: "fuzz")
      guard let first = results.first else { fatalError("no result, and no error") }
      if let gate = try? Gate(first, against: first) { _ = TextExporter().export([gate.document]) }
      _ = try Comparison(of: results, against: results, names: ("a", "b"), isForced: true).document
      for text in [
        TextExporter().export([first.document(.full)]), CSVExporter.export(results), try JSONExporter.export(results),
      ] {
        precondition(!text.unicodeScalars.contains { SafeText.isActive($0) && $0 != "\n" && $0 != "\r" })
      }
    } catch is SavedResultError {} catch is NotComparable {} catch { fatalError("\(type(of: error)): \(error)") }
  }
}
