using System.Buffers.Binary;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Pimm.Core.FeatureEncoding;

namespace Pimm.Core.Datasets;

/// <summary>The arrays of a snapshot, widest first so that each one is aligned, and the safetensors header before them.</summary>
internal sealed record SnapshotLayout(long Rows, IReadOnlyList<string> Tasks, FeatureMap Map, bool HasAmount, bool HasTime)
{
    public const string Format = "pimm.snapshot.1";

    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public byte[] Header()
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, Compact))
        {
            json.WriteStartObject();
            json.WriteStartObject("__metadata__");
            json.WriteString("format", Format);
            json.WriteString("tasks", JsonSerializer.Serialize(Tasks));
            json.WriteString("feature_map", Map.ToJson());
            json.WriteEndObject();
            WriteArrays(json);
            json.WriteEndObject();
        }

        var length = (int)bytes.Length;
        var padded = (length + 7) / 8 * 8;
        var header = new byte[8 + padded];
        BinaryPrimitives.WriteUInt64LittleEndian(header, (ulong)padded);
        bytes.GetBuffer().AsSpan(0, length).CopyTo(header.AsSpan(8));
        header.AsSpan(8 + length).Fill((byte)' ');
        return header;
    }

    private void WriteArrays(Utf8JsonWriter json)
    {
        long begin = 0;
        void Array(string name, string type, int width, long columns)
        {
            json.WriteStartObject(name);
            json.WriteString("dtype", type);
            json.WriteStartArray("shape");
            json.WriteNumberValue(Rows);
            if (columns > 0)
            {
                json.WriteNumberValue(columns);
            }

            json.WriteEndArray();
            json.WriteStartArray("data_offsets");
            json.WriteNumberValue(begin);
            begin += Rows * Math.Max(columns, 1) * width;
            json.WriteNumberValue(begin);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        if (HasTime)
        {
            Array("time", "I64", 8, 0);
        }

        if (HasAmount)
        {
            Array("amount", "F32", 4, 0);
        }

        Array("ids", "I32", 4, Map.Fields.Count);
        Array("labels", "U8", 1, Tasks.Count);
        Array("split", "U8", 1, 0);
    }
}
