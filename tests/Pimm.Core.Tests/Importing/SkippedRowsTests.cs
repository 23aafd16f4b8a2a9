using System.Text;
using Npgsql;
using Pimm.Core.Database;
using Pimm.Core.Importing;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Importing;

public sealed class SkippedRowsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Skipping_keeps_nothing_of_the_rows_it_skips()
    {
        var text = new StringBuilder("a,b\n").Insert(4, "1,2\n", 10_000).ToString();
        using var file = DelimitedReader.Open(_folder.Write("long.csv", text));
        var rows = new WarnedRows(file);

        rows.Skip(9_500);

        (rows.Received, rows.Warnings.Count).ShouldBe((9_500, 0));
        rows.MostKept.ShouldBeInRange(1, 1_000);
    }

    private sealed class WarnedRows(DelimitedReader file) : FileRows(file)
    {
        public int MostKept { get; private set; }

        public override string Target => "none (a)";

        public override ImportProblem? Take()
        {
            Warnings.Add(new ImportProblem(File.Line, "a", ImportCode.BadEmail, "dropped") { IsWarning = true });
            MostKept = Math.Max(MostKept, Warnings.Count);
            return null;
        }

        public override void Write(CopyWriter import) => throw new NotSupportedException();
    }
}
