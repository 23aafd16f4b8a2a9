using System.Globalization;
using System.Text;
using Pimm.Core.Statistics;

namespace Pimm.Benchmarks;

/// <summary>
/// Made-up raw files of Ali-CCP's shape: rows of common features of about 518 features, mostly histories; impressions of about
/// 237 bytes, some 58 in a row for each of them; ids in the ranges of the real fields, popular ones far more often than others.
/// </summary>
internal sealed class AliCcpRawFiles(int rows)
{
    private const int ImpressionsOfCommonRow = 58;
    private const int HistoryFeatures = 509;

    private static readonly (string Field, int First, int Count)[] User =
    [
        ("101", 31_319, 400_000), ("121", 3_438_658, 98), ("122", 3_438_756, 13), ("124", 3_438_769, 2), ("125", 3_438_771, 7),
        ("126", 3_438_778, 3), ("127", 3_438_781, 3), ("128", 3_864_886, 2), ("129", 3_864_888, 4),
    ];

    private static readonly (string Field, int First, int Count)[] Histories =
        [("109_14", 450_000, 12_000), ("110_14", 462_000, 950_000), ("127_14", 3_500_000, 360_000), ("150_14", 3_864_900, 120_000)];

    private static readonly (string Field, int First, int Count)[] Item =
        [("205", 4_000_000, 4_300_000), ("206", 8_310_000, 13_000), ("207", 8_330_000, 700_000), ("216", 9_070_000, 270_000), ("301", 9_351_665, 3)];

    private static readonly (string Field, int First, int Count)[] Crosses =
        [("508", 9_355_000, 12_000), ("509", 9_400_000, 300_000), ("702", 9_720_000, 150_000), ("853", 9_880_000, 110_000)];

    private readonly RandomStream _random = new(14);
    private readonly StringBuilder _list = new();
    private int _features;

    public static string SkeletonIn(string folder) => Path.Combine(folder, "sample_skeleton_train.csv");

    public static string CommonIn(string folder) => Path.Combine(folder, "common_features_train.csv");

    public int CommonRows => (rows + ImpressionsOfCommonRow - 1) / ImpressionsOfCommonRow;

    public void WriteTo(string folder)
    {
        using var skeleton = new StreamWriter(SkeletonIn(folder), append: false, Encoding.ASCII, 1 << 20);
        using var common = new StreamWriter(CommonIn(folder), append: false, Encoding.ASCII, 1 << 20);
        for (var row = 0; row < rows; row++)
        {
            var user = row / ImpressionsOfCommonRow;
            var index = RandomStream.Seed(14, "common row", user).ToString("x16", CultureInfo.InvariantCulture);
            if (row % ImpressionsOfCommonRow == 0)
            {
                WriteCommon(common, index);
            }

            WriteImpression(skeleton, row + 1, index);
        }
    }

    private void WriteCommon(StreamWriter file, string index)
    {
        foreach (var field in User)
        {
            // A profile is unknown now and then.
            if (field.Field == "101" || _random.NextInt(20) > 0)
            {
                Add(field, "1.0");
            }
        }

        for (var feature = 0; feature < HistoryFeatures; feature++)
        {
            Add(Histories[_random.NextInt(Histories.Length)], "1.94591");
        }

        WriteLine(file, index);
    }

    private void WriteImpression(StreamWriter file, int id, string index)
    {
        foreach (var field in Item)
        {
            Add(field, "1.0");
        }

        for (var more = _random.NextInt(11); more >= 0; more--)
        {
            Add(("210", 9_052_000, 18_000), "1.0");
        }

        foreach (var field in Crosses)
        {
            if (_random.NextInt(5) < 2)
            {
                Add(field, "2.63906");
            }
        }

        var labels = _random.NextInt(1000) switch { 0 => "1,1", < 40 => "1,0", 999 => "0,1", _ => "0,0" };
        WriteLine(file, string.Create(CultureInfo.InvariantCulture, $"{id},{labels},{index}"));
    }

    private void Add((string Field, int First, int Count) field, string value)
    {
        var share = _random.NextDouble();
        _list.Append(_features++ > 0 ? "\u0001" : "").Append(field.Field).Append('\u0002').Append(field.First + (int)(share * share * share * field.Count)).Append('\u0003').Append(value);
    }

    private void WriteLine(StreamWriter file, string begin)
    {
        file.Write(begin);
        file.Write(',');
        file.Write(_features);
        file.Write(',');
        file.Write(_list);
        file.Write('\n');
        _list.Clear();
        _features = 0;
    }
}
