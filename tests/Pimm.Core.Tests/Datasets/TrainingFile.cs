using System.Globalization;
using System.Text;
using Pimm.Core.Datasets;
using Pimm.Core.Statistics;

namespace Pimm.Core.Tests.Datasets;

/// <summary>A small file with a two-stage funnel, to be bent by each test.</summary>
internal static class TrainingFile
{
    public const string Header = "id,age,country,click,buy";

    public static IReadOnlyList<string> Rows(int count = 2000, ulong seed = 5)
    {
        var random = new RandomStream(seed);
        var rows = new string[count];
        for (var row = 0; row < count; row++)
        {
            var age = 18 + random.NextInt(60);
            var country = new[] { "UK", "US", "FR", "" }[random.NextInt(4)];
            var click = random.NextDouble() < 0.2 + (age / 200.0) ? 1 : 0;
            var buy = click == 1 && random.NextDouble() < 0.4 ? 1 : 0;
            rows[row] = string.Create(CultureInfo.InvariantCulture, $"u{row},{age},{country},{click},{buy}");
        }

        return rows;
    }

    public static string Text(IEnumerable<string> rows, string header = Header)
    {
        var text = new StringBuilder(header).Append('\n');
        foreach (var row in rows)
        {
            text.Append(row).Append('\n');
        }

        return text.ToString();
    }

    public static DatasetOptions Options(string path) => new() { Data = path, Tasks = ["click", "buy"], Ignore = ["id"] };
}
