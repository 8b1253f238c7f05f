import EPT
import Foundation
import Replay

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
    let lines = String(decoding: answer.bytes, as: UTF8.self).split(separator: "\n")
    precondition(lines.count { $0.hasPrefix("ERR line ") } == script.failures)
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
