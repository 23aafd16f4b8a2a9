using System.Globalization;
using System.Text;
using Pimm.Core.Datasets;
using Pimm.Core.Statistics;
using Pimm.Core.Tests.Importing;
using Pimm.Core.Training;

namespace Pimm.Core.Tests.Training;

/// <summary>A small funnel whose stages depend on two columns through an exclusive or, which nothing linear can learn.</summary>
internal sealed class ToyFunnel : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly Dataset dataset;

    public ToyFunnel(int rows = 3000, ulong seed = 1)
    {
        File = folder.Write("toy.csv", Text(rows, seed));
        dataset = DatasetBuilder.FromFile(new DatasetOptions { Data = File, Tasks = ["click", "buy"], Seed = seed });
    }

    public static TrainingRequest Request(string model = "pimm") => new(
        model,
        new Dictionary<string, string>
        {
            ["embedding"] = "4",
            ["towers"] = "16,8",
            ["dropout"] = model == "pimm" ? "0.1,0.1" : "0.1,0.1,0.1",
        },
        new TrainingOptions { Batch = 100, LearningRate = 0.01, Epochs = 8, Threads = 1, Seed = 5 });

    public string File { get; }

    public Snapshot Data => dataset.Snapshot;

    public TrainedModel Train(TrainingRequest request, Action<TrainingProgress>? report = null, CancellationToken cancellationToken = default) =>
        new TrainModel(TimeProvider.System).Run(request, Data, report ?? (_ => { }), cancellationToken);

    public string At(string name) => folder.At(name);

    public void Dispose()
    {
        dataset.Snapshot.Dispose();
        folder.Dispose();
    }

    private static string Text(int rows, ulong seed)
    {
        var stream = new RandomStream(seed, "toy");
        var text = new StringBuilder("shop,day,noise,click,buy\n");
        for (var row = 0; row < rows; row++)
        {
            var (shop, day) = (stream.NextInt(2), stream.NextInt(2));
            var click = stream.NextDouble() < (shop == day ? 0.8 : 0.2);
            var buy = click && stream.NextDouble() < (shop == 1 ? 0.7 : 0.1);
            text.Append(CultureInfo.InvariantCulture, $"s{shop},d{day},n{stream.NextInt(5)},{(click ? 1 : 0)},{(buy ? 1 : 0)}\n");
        }

        return text.ToString();
    }
}
