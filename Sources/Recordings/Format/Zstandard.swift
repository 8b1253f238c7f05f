import CZstd

/// Compresses columns, one zstd frame each; used by one thread at a time.
final class ZstandardCompressor: @unchecked Sendable {
  private let context: OpaquePointer
  private var output: [UInt8] = []

  init(level: Int) {
    guard let context = ZSTD_createCCtx() else { fatalError("out of memory") }
    self.context = context
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, Int32(clamping: level))
  }

  deinit { ZSTD_freeCCtx(context) }

  /// One frame that decodes to the parts in their order; valid until the next call.
  func compress(_ parts: [UnsafeRawBufferPointer]) -> [UInt8] {
    let total = parts.reduce(0) { $0 + $1.count }
    let bound = ZSTD_compressBound(total)
    if output.count < bound { output = [UInt8](repeating: 0, count: bound) }
    ZSTD_CCtx_reset(context, ZSTD_reset_session_only)
    ZSTD_CCtx_setPledgedSrcSize(context, UInt64(total))
    let written = output.withUnsafeMutableBytes { target in
      var out = ZSTD_outBuffer(dst: target.baseAddress, size: target.count, pos: 0)
      for (index, part) in parts.enumerated() {
        var input = ZSTD_inBuffer(src: part.baseAddress, size: part.count, pos: 0)
        let isLast = index == parts.count - 1
        var rest = 0
        repeat {
          rest = ZSTD_compressStream2(context, &out, &input, isLast ? ZSTD_e_end : ZSTD_e_continue)
          precondition(ZSTD_isError(rest) == 0, "zstd: \(String(cString: ZSTD_getErrorName(rest)))")
        } while isLast ? rest > 0 : input.pos < input.size
      }
      return out.pos
    }
    return Array(output[..<written])
  }
}

/// Decompresses columns; one object a thread.
final class ZstandardDecompressor {
  private let context: OpaquePointer

  init() {
    guard let context = ZSTD_createDCtx() else { fatalError("out of memory") }
    self.context = context
  }

  deinit { ZSTD_freeDCtx(context) }

  /// Decodes a frame that must fill the target exactly; what is wrong otherwise, nil if nothing is.
  func decompress(_ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer) -> Flaw? {
    let size = ZSTD_decompressDCtx(context, target.baseAddress, target.count, source.baseAddress, source.count)
    if ZSTD_isError(size) != 0 {
      return Flaw(
        found: "bytes zstd refuses (\(String(cString: ZSTD_getErrorName(size))))",
        expected: "a frame of \(target.count) bytes")
    }
    if size != target.count { return Flaw(found: "\(size) bytes decoded", expected: "\(target.count)") }
    return nil
  }
}
