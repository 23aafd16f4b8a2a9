using System.Globalization;
using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics;

public sealed class CustomerHashTests
{
    [Theory]
    [InlineData("customer-1", "e83f10dc-d2c6-8747-c3f3-ba14a54258d5", "split-1", 0xa125d10e73a01098)]
    [InlineData("customer-1", "e83f10dc-d2c6-8747-c3f3-ba14a54258d5", "hold-back", 0xdc369b6dc3bb8dbd)]
    [InlineData("客户 42", "19b5f756-1437-1bed-a023-6fd20a13118f", "分组 7", 0x464f17c397a1aa18)]
    [InlineData("", "e3b0c442-98fc-1c14-9afb-f4c8996fb924", "", 0x3976d2d8a285e2b7)]
    public void A_hash_equals_the_one_computed_by_another_system(string key, string customer, string salt, ulong hash)
    {
        CustomerHash.Of(key).ShouldBe(Guid.Parse(customer));
        CustomerHash.Salted(CustomerHash.Of(key), SaltKey.From(salt)).ShouldBe(hash);
    }

    [Fact]
    public void The_documented_vectors_hold()
    {
        string[] rows = File.ReadAllLines(DocumentedVectors()).Where(line => line.StartsWith("| `", StringComparison.Ordinal)).ToArray();
        rows.Length.ShouldBe(7);
        foreach (string row in rows)
        {
            string[] cells = row.Split('|').Select(cell => cell.Trim().Trim('`')).ToArray();
            Guid customer = CustomerHash.Of(cells[1]);
            ulong hash = CustomerHash.Salted(customer, SaltKey.From(cells[3]));
            customer.ToString().ShouldBe(cells[2]);
            hash.ToString("x16", CultureInfo.InvariantCulture).ShouldBe(cells[4]);
            CustomerHash.Share(hash).ToString("R", CultureInfo.InvariantCulture).ShouldBe(cells[5]);
            (CustomerHash.Share(hash) >= 0.5 ? "treatment" : "control").ShouldBe(cells[6]);
        }
    }

    [Fact]
    public void Two_salts_assign_independently()
    {
        SaltKey split = SaltKey.From("split"), flag = SaltKey.From("flag");
        var counts = new int[4];
        for (int i = 0; i < 100_000; i++)
        {
            Guid customer = CustomerHash.Of($"c{i}");
            int a = CustomerHash.Share(CustomerHash.Salted(customer, split)) < 0.5 ? 1 : 0;
            int b = CustomerHash.Share(CustomerHash.Salted(customer, flag)) < 0.5 ? 2 : 0;
            counts[a + b]++;
        }
        counts.Sum(c => Math.Pow(c - 25_000, 2) / 25_000).ShouldBeLessThan(16.3); // χ², 3 degrees of freedom, p = .001
    }

    private static string DocumentedVectors()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "docs", "hashing.md")))
                return Path.Combine(folder.FullName, "docs", "hashing.md");
        throw new FileNotFoundException("docs/hashing.md was not found above the tests' output folder.");
    }
}
