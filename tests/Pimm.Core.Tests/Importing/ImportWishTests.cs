using Pimm.Core.Importing;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Importing;

/// <summary>What a mapping and a new audience cannot say, and how that is told.</summary>
public sealed class ImportWishTests
{
    private const string Key = "{\"column\":\"id\",\"role\":\"key\"}";

    [Theory]
    [InlineData("{\"columns\":[" + Key + "],\"delimiter\":\"::\"}", "look at \"delimiter\"")]
    [InlineData("{\"columns\":[" + Key + "],\"delimeter\":\";\"}", "look at \"delimeter\"")]
    [InlineData("{", "line 1, byte")]
    [InlineData("{\"columns\":[" + Key + ",{\"column\":\"age\",\"role\":\"feature\",\"type\":\"integer\"}]}", "has the type \"integer\" for 'age'; choose number or text.")]
    [InlineData("{\"columns\":[" + Key + "],\"defaultCountry\":\"XX\"}", "has the default country \"XX\"; give the two letters of ISO 3166, as DE or US.")]
    [InlineData("{\"columns\":[" + Key + "],\"time\":\"yesterday\"}", "has the time \"yesterday\"; write ISO 8601 with its offset, as 2026-03-28T14:05:00+08:00 or …Z.")]
    [InlineData("{\"columns\":[" + Key + "," + Key + "]}", "names the column 'id' twice; name it once.")]
    public void A_mapping_is_refused_with_what_to_do_and_without_words_of_the_program(string json, string says)
    {
        var sentence = Should.Throw<InputException>(() => ImportMapping.FromJson(json).Validate("customers")).Message;

        sentence.ShouldContain(says);
        sentence.ShouldNotContain("Pimm.Core");
        sentence.ShouldNotContain("System.");
        sentence.ShouldNotContain("..");
    }

    [Theory]
    [InlineData("", "age", "click", "The audience's name has 0 characters: give it 1 to 100.")]
    [InlineData("savers", "", "click", "has no attribute")]
    [InlineData("savers", "Größe", "click", "for example \"Gr__e\"")]
    [InlineData("savers", "customer", "click", "\"customer\" is reserved: name it otherwise")]
    [InlineData("savers", "click", "click,buy", "\"click\" is an attribute and a stage of the funnel")]
    [InlineData("savers", "age", "", "The funnel has 0 stages: name 1 to 10")]
    [InlineData("savers", "age", "click,Click", "names a stage twice: name each once")]
    [InlineData("savers", "age", "click,buy!", "stage \"buy!\" cannot be called so")]
    public void An_audience_that_cannot_be_is_refused_before_anything_is_made(string name, string attribute, string funnel, string says)
    {
        AudienceColumn[] columns = attribute.Length == 0 ? [] : [new(attribute, "number")];

        Should.Throw<InputException>(() => NewAudience.Validate(name, columns, funnel.Split(',', StringSplitOptions.RemoveEmptyEntries))).Message.ShouldContain(says);
    }

    [Fact]
    public void An_audience_that_can_be_is_not_refused() =>
        Should.NotThrow(() => NewAudience.Validate("Größte Sparer", [new("age", "number"), new("home town.2-x", "text", "proxy")], ["Klick", "Käufe", "core_conversion"]));
}
