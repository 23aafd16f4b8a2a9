using System.Text.RegularExpressions;
using Pimm.Core.Erasing;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Erasing;

public sealed class PersonTracesTests
{
    private static readonly PersonTraces Person = new(["Kunde-4711"], ["anna@example.com"], ["+491762223344"], ["38400000-8cf0-11bd-b23e-10b96e40000d"], ["Anna", "Muster"]);

    [Theory]
    [InlineData("customer Kunde-4711.", true)]
    [InlineData("'kunde-4711' stands in an earlier line", true)]
    [InlineData("customer:Kunde-4711", true)]
    [InlineData("Kunde-4711.csv", true)]
    [InlineData("Kunde-47110", false)]
    [InlineData("A-Kunde-4711", false)]
    [InlineData("write to Anna@Example.com.", true)]
    [InlineData("joanna@example.com", false)]
    [InlineData("eva.anna@example.com", false)]
    [InlineData("+491762223344", true)]
    [InlineData("0176 222 33 44", true)]
    [InlineData("(0176) 222-33-44", true)]
    [InlineData("0049 176/2223344", true)]
    [InlineData("0176 222 33 45", false)]
    [InlineData("38400000-8CF0-11BD-B23E-10B96E40000D", true)]
    [InlineData("Anna Muster", false)]
    public void A_person_is_found_however_it_is_written_and_nobody_else_is(string text, bool found) =>
        Regex.IsMatch(text, Person.Pattern()!, RegexOptions.IgnoreCase).ShouldBe(found);

    [Theory]
    [InlineData("7", "customer '7' is unknown", true)]
    [InlineData("7", "7 rows read", false)]
    [InlineData("20260302", "wave of 20260302", false)]
    [InlineData("K1", "K1 is unknown", false)]
    public void A_key_that_also_stands_for_other_things_is_looked_for_in_quotes(string key, string text, bool found) =>
        Regex.IsMatch(text, Of(key).Pattern()!, RegexOptions.IgnoreCase).ShouldBe(found);

    [Fact]
    public void And_its_quotes_stay() => Regex.Replace("\"value\": \"12345\"", Of("12345").Pattern()!, "[erased]").ShouldBe("\"value\": \"[erased]\"");

    [Theory]
    [InlineData("e1,outcome,7,2", true)]
    [InlineData("7\n", true)]
    [InlineData("e1,outcome,\"7\",2", true)]
    [InlineData("e7,outcome,17,2.7", false)]
    public void And_in_files_as_a_whole_field(string text, bool found) => Regex.IsMatch(text, Of("7").FieldPattern()!).ShouldBe(found);

    [Fact]
    public void Names_count_where_rows_are_quoted_and_survive_sealing()
    {
        var again = PersonTraces.FromBytes(Person.ToBytes());

        Regex.IsMatch("'Muster' is no number", again.Pattern(names: true)!).ShouldBeTrue();
        new PersonTraces([], [], [], [], ["Bo"]).Pattern(names: true).ShouldBeNull();
    }

    private static PersonTraces Of(string key) => new([key], [], [], [], []);
}
