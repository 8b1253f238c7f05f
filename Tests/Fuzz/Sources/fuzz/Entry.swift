import Foundation

/// Something that reads bytes which anybody may have written, and must neither crash nor hang nor grow on any of them.
protocol FuzzTarget {
  init()
  /// Inputs to start from, so that the fuzzer need not invent a format: `LLVMFuzzerInitialize` writes them.
  var seeds: [[UInt8]] { get }
  /// Reads one input; a failed precondition is a finding.
  func read(_ input: UnsafeRawBufferPointer)
}

private let targets: [String: any FuzzTarget.Type] = [
  "tree": TreeFuzz.self, "writer": TreeWriterFuzz.self, "trace": TraceFuzz.self, "file": FileFuzz.self,
  "header": HeaderFuzz.self, "replay": ReplayFuzz.self, "import": ImportFuzz.self, "stream": StreamFuzz.self,
  "script": ScriptFuzz.self, "profile": ProfileFuzz.self, "policy": PolicyFuzz.self,
  "description": DescriptionFuzz.self, "results": ResultsFuzz.self, "snapshot": SnapshotFuzz.self,
  "hypercalls": HypercallFuzz.self, "walks": WalkFuzz.self, "machine": MachineFuzz.self, "leaky": LeakyTarget.self,
]

/// Forgets memory at every input: that it is found proves that leaks are looked for.
private struct LeakyTarget: FuzzTarget {
  var seeds: [[UInt8]] { [[1]] }
  func read(_ input: UnsafeRawBufferPointer) {
    _ = UnsafeMutableRawPointer.allocate(byteCount: 64 + input.count, alignment: 16)
  }
}

/// The target named by `FUZZ`; libFuzzer calls from one thread.
nonisolated(unsafe) private var target: (any FuzzTarget)!

/// Chooses the target; with `FUZZ_SEEDS` set, writes its seeds into that folder and ends.
@_cdecl("LLVMFuzzerInitialize")
public func initialize(_ count: UnsafeRawPointer, _ arguments: UnsafeRawPointer) -> CInt {
  let environment = ProcessInfo.processInfo.environment
  guard let type = targets[environment["FUZZ"] ?? ""] else {
    print("FUZZ is not set to one of \(targets.keys.sorted().joined(separator: ", "))")
    exit(64)
  }
  target = type.init()
  if let folder = environment["FUZZ_SEEDS"] {
    for (number, seed) in target.seeds.enumerated() {
      FileManager.default.createFile(atPath: "\(folder)/seed-\(number)", contents: Data(seed))
    }
    exit(0)
  }
  return 0
}

/// Reads one input.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  target.read(UnsafeRawBufferPointer(start: start, count: count))
  return 0
}

/// Ends with a message unless a claim holds; a precondition of optimised code would tell none.
func demand(_ holds: Bool, _ message: @autoclosure () -> String) {
  if !holds { fatalError(message()) }
}

/// An input taken as a list of numbers; zeros after its end.
struct InputNumbers {
  private var rest: Slice<UnsafeRawBufferPointer>

  init(_ input: UnsafeRawBufferPointer) { rest = input[...] }

  var isEmpty: Bool { rest.isEmpty }

  mutating func next<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) -> Number {
    var number: Number = 0
    for place in 0..<MemoryLayout<Number>.size {
      number |= Number(truncatingIfNeeded: rest.popFirst() ?? 0) << Number(truncatingIfNeeded: 8 * place)
    }
    return number
  }

  /// A number below `limit`.
  mutating func below(_ limit: Int) -> Int { Int(next(UInt16.self)) % max(1, limit) }

  mutating func bytes(_ count: Int) -> Slice<UnsafeRawBufferPointer> {
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
  }
}
