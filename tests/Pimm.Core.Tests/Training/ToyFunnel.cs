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

    /// <param name="amounts">With a column spent: 0 for most, of those who buy more in one shop than in the other.</param>
    public ToyFunnel(int rows = 3000, ulong seed = 1, bool amounts = false)
    {
        File = folder.Write("toy.csv", Text(rows, seed, amounts));
        dataset = DatasetBuilder.FromFile(new DatasetOptions { Data = File, Tasks = ["click", "buy"], Seed = seed, Amount = amounts ? "spent" : null });
    }

    public static TrainingRequest Request(string model = "pimm") => new(
        model,
        new Dictionary<string, string>
        {
            ["embedding"] = "4",
            ["towers"] = "16,8",
            ["dropout"] = model is "shared-bottom" or "mmoe" or "ple" or "mncm" or "tafe" ? "0.1,0.1,0.1" : "0.1,0.1",
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

    private static string Text(int rows, ulong seed, bool amounts)
    {
        var stream = new RandomStream(seed, "toy");
        var spending = new RandomStream(seed, "spending");
        var text = new StringBuilder(amounts ? "shop,day,noise,click,buy,spent\n" : "shop,day,noise,click,buy\n");
        for (var row = 0; row < rows; row++)
        {
            var (shop, day) = (stream.NextInt(2), stream.NextInt(2));
            var click = stream.NextDouble() < (shop == day ? 0.8 : 0.2);
            var buy = click && stream.NextDouble() < (shop == 1 ? 0.7 : 0.1);
            text.Append(CultureInfo.InvariantCulture, $"s{shop},d{day},n{stream.NextInt(5)},{(click ? 1 : 0)},{(buy ? 1 : 0)}");
            text.Append(CultureInfo.InvariantCulture, $"{(amounts ? $",{Spent(spending, shop, buy)}" : "")}\n");
        }

        return text.ToString();
    }

    // Empty, which is 0, for nobody's purchase; heavy-tailed for the others.
    private static string Spent(RandomStream stream, int shop, bool buy) =>
        buy ? ((shop == 1 ? 100 : 20) * Math.Exp(0.5 * stream.NextNormal())).ToString("F2", CultureInfo.InvariantCulture) : "";
}
