using System.Runtime.InteropServices;
using System.Text.Json;
using Pimm.Core.Datasets;
using Pimm.Core.FeatureEncoding;
using Pimm.Core.Networks;
using Pimm.Core.Safetensors;
using Pimm.Core.Statistics;

namespace Pimm.Benchmarks;

/// <summary>The size of a training: fields, vocabularies, widths and tasks.</summary>
/// <param name="Embedding">width of an embedding</param>
internal sealed record TrainShape(string Name, IReadOnlyList<int> Vocabularies, int Embedding, int Tasks)
{
    /// <summary>Ali-CCP's eighteen single-valued fields with AITM's embeddings of five.</summary>
    public static readonly TrainShape AliCcp = new("ali-ccp",
        [238_635, 98, 14, 3, 8, 4, 4, 3, 5, 467_298, 6_929, 263_942, 106_399, 5_888, 104_830, 51_878, 37_148, 4], 5, 2);

    /// <summary>PIMM's production set: embeddings of 24 and three tasks; its fields are not published, so twenty of 1 to 50 % of a million values.</summary>
    public static readonly TrainShape Industrial = new("industrial",
        [500_000, 200_000, 100_000, 50_000, 50_000, 20_000, 20_000, 10_000, 10_000, 10_000, 5_000, 5_000, 5_000, 5_000, 2_000, 2_000, 2_000, 2_000, 1_000, 1_000], 24, 3);

    private static readonly int[] Towers = [128, 64, 32];
    private static readonly double[] Dropout = [0.1, 0.3, 0.3];

    public int Inputs => Vocabularies.Count * Embedding;

    public MultiTaskNetwork Network() => new PimmNetwork(new NetworkShape(Vocabularies, Tasks), new PimmOptions
    {
        Embedding = Embedding, Towers = Towers, Dropout = Dropout, Curriculum = new(0.5, 0, 0.5, CurriculumClock.Epoch, PremiseDraw.PerPremise),
    });

    /// <summary>What the peer has to know to train the same.</summary>
    public string ForPeer(int batch, int tries, string device = "cpu") => JsonSerializer.Serialize(new
    {
        vocabularies = Vocabularies, embedding = Embedding, towers = Towers, dropout = Dropout, l2 = NetworkObjective.UsualL2, batch, tries, device,
    });

    /// <summary>Multiply-adds of a forward pass: (rows, inner, columns) of each product for one sample.</summary>
    public IEnumerable<(int Copies, int Inner, int Columns)> Products()
    {
        yield return (1, Inputs, Tasks * Towers[0]);
        yield return (Tasks, Towers[0], Towers[1]);
        yield return (Tasks, Towers[1], Towers[2]);
        yield return (Tasks - 1, Towers[2], Towers[2]);
        yield return (2 * (Tasks - 1), Towers[2], 3 * Towers[2]);
    }

    /// <summary>Rows of ids, which fall off as 1 / rank, as those of shops and goods do.</summary>
    public void Draw(RandomStream stream, Span<int> ids)
    {
        for (var at = 0; at < ids.Length; at++)
        {
            var size = Vocabularies[at % Vocabularies.Count];
            ids[at] = Math.Min((int)Math.Exp(stream.NextDouble() * Math.Log(size + 1)) - 1, size - 1);
        }
    }

    /// <summary>
    /// Writes rows to train on and a few to validate. One impression in 25 is clicked, and every later stage is reached by one in
    /// five of the stage before.
    /// </summary>
    public void Write(string path, int rows)
    {
        const int validation = 2_000;
        var all = rows + validation;
        var map = new FeatureMap([.. Vocabularies.Select((size, field) => FeatureField.Numeric($"f{field}", [.. Enumerable.Range(0, size - 2).Select(edge => (double)edge)]))]);
        var metadata = new Dictionary<string, string>
        {
            ["format"] = "pimm.snapshot.1", ["feature_map"] = map.ToJson(),
            ["tasks"] = JsonSerializer.Serialize(Enumerable.Range(0, Tasks).Select(task => $"y{task}")),
        };
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 20);
        var writer = new SafetensorsWriter(file, metadata,
        [
            ("ids", SafetensorType.I32, [all, Vocabularies.Count]), ("labels", SafetensorType.U8, [all, Tasks]), ("split", SafetensorType.U8, [all]),
        ]);
        var stream = new RandomStream(1, "rows");
        var ids = new int[Vocabularies.Count];
        for (var row = 0; row < all; row++)
        {
            Draw(stream, ids);
            writer.Write(MemoryMarshal.AsBytes(ids.AsSpan()));
        }

        writer.Write(Labels(stream, all));
        var splits = new byte[all];
        splits.AsSpan(0, rows).Fill((byte)Split.Train);
        splits.AsSpan(rows).Fill((byte)Split.Validation);
        writer.Write(splits);
        writer.Complete();
    }

    private byte[] Labels(RandomStream stream, int rows)
    {
        var labels = new byte[rows * Tasks];
        for (var row = 0; row < rows; row++)
        {
            var reached = stream.NextDouble() < 0.04;
            for (var task = 0; task < Tasks; task++)
            {
                reached = task == 0 ? reached : reached && stream.NextDouble() < 0.2;
                labels[(row * Tasks) + task] = reached ? (byte)1 : (byte)0;
            }
        }

        return labels;
    }
}
