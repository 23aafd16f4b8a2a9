using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Pimm.Core.Importing;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Importing;

public sealed class AliCcpConversionTests : IDisposable
{
    private const string Header = "click,purchase,101,121,122,124,125,126,127,128,129,205,206,207,216,508,509,702,853,301\n";
    private const string Ann = "00000000000000aa";
    private const string Bob = "fedcba9876543210";
    private const string Eve = "visitor-7";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_bytes_of_the_format_are_1_2_and_3()
    {
        // The format written out in bytes, so that no escape of any language stands between: 1,0,0,0a1b,2,210^B9^C1.0^A301^B5^C1.0
        byte[] skeleton =
        [
            0x31, 0x2c, 0x30, 0x2c, 0x30, 0x2c, 0x30, 0x61, 0x31, 0x62, 0x2c, 0x32, 0x2c,
            0x32, 0x31, 0x30, 0x02, 0x39, 0x03, 0x31, 0x2e, 0x30, 0x01, 0x33, 0x30, 0x31, 0x02, 0x35, 0x03, 0x31, 0x2e, 0x30, 0x0a,
        ];
        byte[] common = [0x30, 0x61, 0x31, 0x62, 0x2c, 0x31, 0x2c, 0x31, 0x30, 0x31, 0x02, 0x37, 0x03, 0x31, 0x2e, 0x30, 0x0a];

        Convert(_folder.Write("skeleton.csv", skeleton), _folder.Write("common.csv", common));

        Read("joined.csv").ShouldBe(Header + "0,0,7,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,5\n");
    }

    [Fact]
    public void Separators_swallowed_by_the_escape_of_two_hexadecimal_digits_are_refused()
    {
        // What "\x01" in front of 210 compiles to: one letter U+0121 and a 0, no separator.
        const string trap = "301\u00025\u00031.0\x01210\u00029\u00031.0";
        trap.ShouldContain("\u01210");

        Refusal($"1,0,0,{Ann},2,{trap}\n").ShouldStartWith("skeleton.csv, line 1: feature 1 is '301^B5^C1.0\u01210^B9^C1.0' and must be a field id, ^B,");
    }

    [Fact]
    public void Skeleton_and_common_features_are_joined_by_the_rules_of_the_format()
    {
        var skeleton = string.Concat(
            Impression(1, "0,0", Ann, "210:5 210:6 301:90 205:40 216:70 206:50 207:60"),
            // 127 stands in both files: the common one counts. 508 comes twice: the last counts. Values play no part.
            Impression(2, "1,0", Ann, "205:41 127:77 508:81=0.69315 508:80=2.99573"),
            // Bought and not clicked.
            Impression(3, "0,1", Bob, "205:40"),
            // Multi-valued histories and fields with suffixes are not kept; 129 of the common row is 0, so missing.
            Impression(4, "1,1", Bob, "853:99 702:98 509:97 109_14:1 205:40"),
            // An index that is no hash, and no feature of its own.
            $"5,0,0,{Eve},0,\n");
        var common = string.Concat(
            CommonRow(Bob, "101:2 129:0"),
            CommonRow(Ann, "101:999"),
            CommonRow(Eve, "101:3"),
            // Read again, a row replaces the earlier one whole.
            CommonRow(Ann, "127:22 109_14:450011=1.94591 109_14:450012 150_14:7 101:1 121:11 122:12 124:14 125:15 126:16 128:18 129:19"));

        var summary = Convert(skeleton, common);

        Read("joined.csv").ShouldBe(Header + """
            0,0,1,11,12,14,15,16,22,18,19,40,50,60,70,0,0,0,0,90
            1,0,1,11,12,14,15,16,22,18,19,41,0,0,0,80,0,0,0,0
            1,1,2,0,0,0,0,0,0,0,0,40,0,0,0,0,97,98,99,0
            0,0,3,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0

            """);
        (summary.Rows, summary.Dropped, summary.CommonRows).ShouldBe((4, 1, 4));
    }

    [Fact]
    public void An_id_of_12_rows_gets_a_number_and_one_of_11_does_not()
    {
        var skeleton = string.Concat(Enumerable.Range(1, 23).Select(row => Impression(row, "0,0", Ann, row <= 12 ? "205:7" : "205:8")))
            // The impossible impression counts for nothing: 8 stays at 11.
            + Impression(24, "0,1", Ann, "205:8");

        var summary = Convert(skeleton, CommonRow(Ann, "101:5"));

        summary.MinCount.ShouldBe(12);
        summary.VocabularySizes.ShouldBe([2, 1, 1, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1, 1, 1, 1, 1]);
        var lines = Read("out.csv").Split('\n');
        lines[1].ShouldBe("0,0,1,0,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0");
        lines[13].ShouldBe("0,0,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0");
    }

    [Fact]
    public void Ids_are_numbered_by_the_raw_number_and_a_test_file_gets_the_numbers_of_the_training_file()
    {
        // 9 < 100 < 2000000000: as text the order would be another.
        var training = string.Concat(
            Impression(1, "0,0", Ann, "205:100 301:1"), Impression(2, "0,0", Ann, "205:9 301:1"), Impression(3, "0,0", Ann, "205:2000000000 301:1"),
            Impression(4, "0,0", Ann, "205:100 301:1"), Impression(5, "0,0", Ann, "205:9 301:2"), Impression(6, "0,0", Ann, "205:2000000000 301:1"));
        // In another order, with ids unknown or too rare, and the impossible impression.
        var test = string.Concat(
            Impression(1, "1,0", Bob, "205:2000000000 301:2"), Impression(2, "0,1", Bob, "205:9"), Impression(3, "1,1", Ann, "205:77 301:1"), Impression(4, "0,0", Ann, "205:9"));

        var learned = Convert(training, CommonRow(Ann, "101:5"), minCount: 2, vocabulary: "ids.json");
        var trained = Read("out.csv");
        var used = Convert(test, CommonRow(Ann, "101:5") + CommonRow(Bob, "101:6"), vocabulary: "ids.json");

        trained.ShouldBe(Header + """
            0,0,1,0,0,0,0,0,0,0,0,2,0,0,0,0,0,0,0,1
            0,0,1,0,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,1
            0,0,1,0,0,0,0,0,0,0,0,3,0,0,0,0,0,0,0,1
            0,0,1,0,0,0,0,0,0,0,0,2,0,0,0,0,0,0,0,1
            0,0,1,0,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0
            0,0,1,0,0,0,0,0,0,0,0,3,0,0,0,0,0,0,0,1

            """);
        Read("out.csv").ShouldBe(Header + """
            1,0,0,0,0,0,0,0,0,0,0,3,0,0,0,0,0,0,0,0
            1,1,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1
            0,0,1,0,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0

            """);
        (learned.VocabularyLearned, used.VocabularyLearned).ShouldBe((true, false));
        used.VocabularySizes.ShouldBe(learned.VocabularySizes);
        (used.MinCount, used.Rows, used.Dropped).ShouldBe((2, 3, 1));
        var fields = JsonDocument.Parse(Read("ids.json")).RootElement.GetProperty("fields");
        fields.EnumerateArray().Select(field => field.GetProperty("name").GetString()).ShouldBe(AliCcpFeatures.Columns);
        fields[9].GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()).ShouldBe([9, 100, 2_000_000_000]);
    }

    [Fact]
    public void Gzip_in_and_out_gives_the_same_rows()
    {
        var skeleton = Impression(1, "1,0", Ann, "205:40 301:90");
        Convert(_folder.WriteGzip("skeleton.csv.gz", skeleton), _folder.WriteGzip("common.csv.gz", CommonRow(Ann, "101:1")), output: "out.csv.gz", minCount: 1);

        using var unpacked = new StreamReader(new GZipStream(File.OpenRead(_folder.At("out.csv.gz")), CompressionMode.Decompress));
        unpacked.ReadToEnd().ShouldBe(Header + "1,0,1,0,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,1\n");
    }

    [Theory]
    [InlineData("1,0,0,00000000000000aa,1\n", "skeleton.csv, line 1: 5 columns where a row has 6 (sample_id,click,purchase,common_feature_index,feature_num,feature_list)")]
    [InlineData("1,0,0,00000000000000aa,1,205\u000240\u00031.0,x\n", "skeleton.csv, line 1: 7 columns where a row has 6")]
    [InlineData("1,2,0,00000000000000aa,1,205\u000240\u00031.0\n", "skeleton.csv, line 1: click is '2' and must be 0 or 1")]
    [InlineData("1,1,,00000000000000aa,1,205\u000240\u00031.0\n", "skeleton.csv, line 1: purchase is '' and must be 0 or 1")]
    [InlineData("1,1,0,00000000000000aa,1.0,205\u000240\u00031.0\n", "skeleton.csv, line 1: feature_num is '1.0' and must be a whole number, 0 or more")]
    [InlineData("1,0,0,00000000000000aa,0,\n\n2,0,0,00000000000000aa,2,205\u000240\u00031.0\n", "skeleton.csv, line 3: feature_num is 2 and the list has 1 features")]
    [InlineData("1,0,0,00000000000000aa,1,205\u000240\u00031.0\u0001301\u00021\u00031.0\n", "skeleton.csv, line 1: feature_num is 1 and the list has 2 features")]
    [InlineData("1,0,0,00000000000000aa,1,205\u000240\u00031.0\u0001\n", "skeleton.csv, line 1: feature 2 is ''")]
    [InlineData("1,0,0,00000000000000aa,2,205\u000240\u00031.0\u0001\u0001\n", "skeleton.csv, line 1: feature 2 is ''")]
    [InlineData("1,0,0,00000000000000aa,1,205\u000340\u00021.0\n", "skeleton.csv, line 1: feature 1 is '205^C40^B1.0'")]
    [InlineData("1,0,0,00000000000000aa,1,205\u000240\n", "skeleton.csv, line 1: feature 1 is '205^B40'")]
    [InlineData("1,0,0,00000000000000aa,1,205\u000240\u0003\n", "skeleton.csv, line 1: feature 1 is '205^B40^C'")]
    [InlineData("1,0,0,00000000000000aa,1,205\u0002\u00031.0\n", "skeleton.csv, line 1: feature 1 is '205^B^C1.0'")]
    [InlineData("1,0,0,00000000000000aa,1,\u000240\u00031.0\n", "skeleton.csv, line 1: feature 1 is '^B40^C1.0'")]
    [InlineData("1,0,0,00000000000000aa,1,205\u00024x\u00031.0\n", "skeleton.csv, line 1: feature 1 is '205^B4x^C1.0'")]
    [InlineData("1,0,0,00000000000000aa,1,205\u0002-4\u00031.0\n", "skeleton.csv, line 1: feature 1 is '205^B-4^C1.0'")]
    [InlineData("1,0,0,00000000000000aa,1,205\u00022147483648\u00031.0\n", "skeleton.csv, line 1: feature 1 is '205^B2147483648^C1.0' and must be a field id, ^B, a feature id up to 2,147,483,647")]
    [InlineData("1,0,0,00000000000000aa,1,205\u000240\u00031.0\u0003\n", "skeleton.csv, line 1: feature 1 is '205^B40^C1.0^C'")]
    [InlineData("1,0,0,00000000000000aa,1,205\u000240\u00031.0\n2,0,0,00000000000000AA,1,205\u000240\u00031.0\n", "skeleton.csv, line 2: the common feature index '00000000000000AA' is not in common.csv")]
    [InlineData("1,0,0,00000000000000ab,1,205\u000240\u00031.0\n", "skeleton.csv, line 1: the common feature index '00000000000000ab' is not in common.csv")]
    [InlineData("\n \n", "skeleton.csv is empty; it must hold rows of sample_id,click,purchase,common_feature_index,feature_num,feature_list without a header line.")]
    public void A_bad_skeleton_is_refused_with_file_and_line_and_nothing_is_written(string skeleton, string sentence) =>
        Refusal(skeleton).ShouldStartWith(sentence);

    [Theory]
    [InlineData("00000000000000aa,1\n", "common.csv, line 1: 2 columns where a row has 3 (common_feature_index,feature_num,feature_list)")]
    [InlineData("00000000000000aa,2,101\u00021\u00031.0\n", "common.csv, line 1: feature_num is 2 and the list has 1 features")]
    public void A_bad_common_file_is_refused_with_file_and_line(string common, string sentence) =>
        Refusal(Impression(1, "0,0", Ann, "205:40"), common).ShouldStartWith(sentence);

    [Fact]
    public void A_file_that_is_cut_off_is_refused()
    {
        var packed = TemporaryFolder.Gzip(string.Concat(Enumerable.Range(1, 5_000).Select(row => Impression(row, "0,0", Ann, $"205:{row * 7919 % 100_000}"))));
        var skeleton = _folder.Write("skeleton.csv.gz", packed[..(packed.Length / 2)]);
        var common = _folder.Write("common.csv", CommonRow(Ann, "101:1"));

        Should.Throw<InputException>(() => Convert(skeleton, common)).Message.ShouldBe("skeleton.csv.gz is a gzip file that is damaged or cut off; copy it again from where it came from.");
        _folder.Files.ShouldBe(["common.csv", "skeleton.csv.gz"]);
    }

    [Theory]
    [InlineData("{}", "minCount must be 1 or more and fields a list")]
    [InlineData("{\"minCount\":12,\"fields\":[{\"name\":\"101\",\"ids\":[1]}]}", "the fields must be 101,121,122,124,125,126,127,128,129,205,206,207,216,508,509,702,853,301 in this order")]
    [InlineData("[1", "is not a vocabulary (")]
    public void A_vocabulary_that_does_not_fit_is_refused(string vocabulary, string reason)
    {
        _folder.Write("ids.json", vocabulary);

        Refusal(Impression(1, "0,0", Ann, "205:40"), vocabulary: "ids.json").ShouldContain(reason);
    }

    [Theory]
    [InlineData("[3,3]")]
    [InlineData("[0,3]")]
    [InlineData("null")]
    public void A_vocabulary_of_ids_that_are_not_ascending_is_refused(string ids)
    {
        var fields = AliCcpFeatures.Columns.Select(name => $"{{\"name\":\"{name}\",\"ids\":{(name == "205" ? ids : "[1]")}}}");
        _folder.Write("ids.json", $"{{\"minCount\":12,\"fields\":[{string.Join(',', fields)}]}}");

        Refusal(Impression(1, "0,0", Ann, "205:40"), vocabulary: "ids.json").ShouldContain("the ids of field 205 must be ascending, from 1");
    }

    [Fact]
    public void Another_minimum_than_that_of_the_vocabulary_is_refused()
    {
        var skeleton = Impression(1, "0,0", Ann, "205:40");
        Convert(skeleton, CommonRow(Ann, "101:1"), minCount: 2, vocabulary: "ids.json");

        Should.Throw<InputException>(() => Convert(skeleton, CommonRow(Ann, "101:1"), minCount: 12, vocabulary: "ids.json"))
            .Message.ShouldContain("was counted with a minimum of 2, not 12");
        Should.Throw<InputException>(() => Convert(skeleton, CommonRow(Ann, "101:1"), minCount: 0)).Message.ShouldBe("The minimum count is 0; it must be at least 1.");
    }

    [Fact]
    public void An_input_is_never_written_over()
    {
        var skeleton = _folder.Write("skeleton.csv", Impression(1, "0,0", Ann, "205:40"));

        Should.Throw<InputException>(() => Convert(skeleton, _folder.Write("common.csv", CommonRow(Ann, "101:1")), output: "skeleton.csv")).Message.ShouldEndWith("is named twice; give every file a name of its own.");
    }

    [Fact]
    public void An_impression_costs_no_memory()
    {
        var common = CommonRow(Ann, "101:1 121:2 122:3") + CommonRow(Bob, string.Join(' ', Enumerable.Range(1, 500).Select(id => $"150_14:{id}=0.69315")));
        long Allocated(int rows)
        {
            var skeleton = string.Concat(Enumerable.Range(1, rows).Select(row => Impression(row, "1,0", row % 2 == 0 ? Ann : Bob, "205:40 206:50 210:1 210:2 301:90")));
            var (skeletonPath, commonPath) = (_folder.Write("skeleton.csv", skeleton), _folder.Write("common.csv", common));
            var before = GC.GetAllocatedBytesForCurrentThread();
            Convert(skeletonPath, commonPath);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Allocated(1_000);

        (Allocated(60_000) - Allocated(10_000)).ShouldBeLessThan(100_000);
    }

    /// <summary>One raw line; features as FIELD:ID or FIELD:ID=VALUE with blanks between.</summary>
    private static string Impression(int id, string labels, string index, string features) => $"{id},{labels},{CommonRow(index, features)}";

    private static string CommonRow(string index, string features)
    {
        var list = features.Split(' ').Select(feature => feature.Contains('=') ? feature : feature + "=1.0").ToArray();
        return $"{index},{list.Length},{string.Join('\u0001', list).Replace(':', '\u0002').Replace('=', '\u0003')}\n";
    }

    private AliCcpSummary Convert(string skeleton, string common, string output = "out.csv", int? minCount = null, string? vocabulary = null) => AliCcpConversion.Run(
        new AliCcpOptions
        {
            Skeleton = PathOf("skeleton.csv", skeleton),
            Common = PathOf("common.csv", common),
            Output = _folder.At(output),
            Joined = _folder.At("joined.csv"),
            Vocabulary = vocabulary is null ? null : _folder.At(vocabulary),
            MinCount = minCount,
        },
        TimeProvider.System,
        static _ => { },
        TestContext.Current.CancellationToken);

    private string PathOf(string name, string contentOrPath) => Path.IsPathRooted(contentOrPath) ? contentOrPath : _folder.Write(name, contentOrPath);

    private string Refusal(string skeleton, string? common = null, string? vocabulary = null)
    {
        var message = Should.Throw<InputException>(() => Convert(skeleton, common ?? CommonRow(Ann, "101:1"), vocabulary: vocabulary)).Message;
        _folder.Files.ShouldBe(["common.csv", .. vocabulary is null ? Array.Empty<string>() : [vocabulary], "skeleton.csv"]);
        return message;
    }

    private string Read(string name) => File.ReadAllText(_folder.At(name), Encoding.UTF8);
}
