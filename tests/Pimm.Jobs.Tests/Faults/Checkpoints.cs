using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;

namespace Pimm.Jobs.Tests.Faults;

/// <summary>A run's checkpoints as files, and what may befall one.</summary>
internal static class Checkpoints
{
    /// <summary>Newest first.</summary>
    public static IReadOnlyList<string> Of(string folder, long run) =>
        Path.Combine(folder, "training", string.Create(CultureInfo.InvariantCulture, $"run-{run}"), "checkpoints") is var path && Directory.Exists(path)
            ? [.. Directory.GetFiles(path, "checkpoint-*.safetensors").OrderDescending(StringComparer.Ordinal)]
            : [];

    /// <summary>Every hundredth byte of the weights has another bit.</summary>
    public static void FlipBits(string path)
    {
        var bytes = File.ReadAllBytes(path);
        for (var place = HeaderOf(bytes).Length + 8; place < bytes.Length; place += 100)
        {
            bytes[place] ^= 4;
        }

        File.WriteAllBytes(path, bytes);
    }

    /// <summary>Every weight as large as a number can be, and the hash of that beside it: a state from which no loss is a number.</summary>
    public static void Explode(string path)
    {
        var bytes = File.ReadAllBytes(path);
        var header = HeaderOf(bytes);
        using var document = JsonDocument.Parse(header);
        foreach (var entry in document.RootElement.EnumerateObject().Where(entry => entry.Value.TryGetProperty("dtype", out var type) && type.GetString() == "F32"))
        {
            var (from, to) = (entry.Value.GetProperty("data_offsets")[0].GetInt32(), entry.Value.GetProperty("data_offsets")[1].GetInt32());
            MemoryMarshal.Cast<byte, float>(bytes.AsSpan(8 + header.Length + from, to - from)).Fill(float.MaxValue);
        }

        File.WriteAllBytes(path, bytes);
        File.WriteAllText(path + ".sha256", $"{Convert.ToHexStringLower(SHA256.HashData(bytes))}  {Path.GetFileName(path)}\n");
    }

    // Safetensors: the header's length, the header, the tensors.
    private static byte[] HeaderOf(byte[] bytes) => bytes.AsSpan(8, (int)BinaryPrimitives.ReadInt64LittleEndian(bytes)).ToArray();
}
