using System.Text;
using Pimm.Core.Safetensors;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Safetensors;

public class HostileSafetensorsTests
{
    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 4, "x is truncated: tensor a ends at byte 8, the data at 4; save or copy it again.")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 9, "x is damaged: 1 bytes follow the last tensor.")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12, "x is damaged: 4 bytes before tensor a belong to no tensor.")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12, "x is damaged: tensor b begins at byte 4, inside the tensor before it, which ends at 8.")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}""", 12, "x is damaged: 4 bytes before tensor b belong to no tensor.")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8, "x is damaged: tensor b begins at byte 0, inside the tensor before it, which ends at 8.")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", 8, "x is damaged: tensor a ends at byte 0, before it begins at 8.")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", 8, "x is damaged: tensor a has 8 bytes, its shape [3] of F32 needs 12.")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}}""", 0, "x is damaged: tensor a has 0 bytes, its shape [4294967296,4294967296] of U8 needs more than a file can hold.")]
    [InlineData("""{"a":{"dtype":"F64","shape":[9223372036854775807,9223372036854775807,9223372036854775807],"data_offsets":[0,8]}}""", 8, "x is damaged: tensor a has 8 bytes, its shape [9223372036854775807,9223372036854775807,9223372036854775807] of F64 needs more than a file can hold.")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", 8, "x is damaged: the shape of tensor a has an element that is not a whole number from 0 to 9223372036854775807.")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2.5],"data_offsets":[0,8]}}""", 8, "x is damaged: the shape of tensor a has an element that is not a whole number from 0 to 9223372036854775807.")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,99999999999999999999]}}""", 8, "x is damaged: the place of tensor a has an element that is not a whole number from 0 to 9223372036854775807.")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,9]}}""", 8, "x is damaged: the place of tensor a has more than 2 elements.")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}}""", 8, "x is damaged: tensor a lacks its dtype, its shape or its two data_offsets.")]
    [InlineData("""{"a":{"dtype":"F32","data_offsets":[0,8]}}""", 8, "x is damaged: tensor a lacks its dtype, its shape or its two data_offsets.")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]}}""", 8, "x is damaged: tensor a has the field shape twice, or the format does not know it.")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"pickle":"x"}}""", 8, "x is damaged: tensor a has the field pickle twice, or the format does not know it.")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\u0061":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "x is damaged: its header names a twice.")]
    [InlineData("""{"__metadata__":{"a":"1","a":"2"}}""", 0, "x is damaged: its metadata names a twice.")]
    [InlineData("""{"__metadata__":{"a":1}}""", 0, "x is damaged: __metadata__.a is not a text.")]
    [InlineData("""{"a":{"dtype":"C64","shape":[1],"data_offsets":[0,8]}}""", 8, "x cannot be read: tensor a has the type C64; known are BOOL, U8, I8, I16, U16, F16, BF16, I32, U32, F32, I64, U64, F64.")]
    [InlineData("""{"a":{"dtype":"9","shape":[1],"data_offsets":[0,4]}}""", 4, "x cannot be read: tensor a has the type 9; known are BOOL, U8, I8, I16, U16, F16, BF16, I32, U32, F32, I64, U64, F64.")]
    [InlineData("""{"a":[]}""", 0, "x is damaged: a is not an object.")]
    [InlineData("""[]""", 0, "x is not a safetensors file: its header does not begin with an opening brace.")]
    public void A_header_that_lies_is_refused_in_one_sentence(string json, int dataLength, string sentence)
    {
        var failure = Should.Throw<InputException>(() => SafetensorsReader.Parse(File(json, dataLength), "x"));

        failure.Message.ShouldBe(sentence);
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F32" """)]
    [InlineData("""{"a":{"b":{"c":{"d":{"e":1}}}}}""")]
    [InlineData("""{} {}""")]
    [InlineData("""{"a":"\ud800"}""")]
    [InlineData("""{"\ud800":{}}""")]
    public void A_header_that_is_not_json_is_refused(string json)
    {
        Should.Throw<InputException>(() => SafetensorsReader.Parse(File(json, 0), "x")).Message.ShouldStartWith("x ");
    }

    [Theory]
    [InlineData(new byte[0], "x is not a safetensors file: it has 0 bytes, at least 8 are needed; save or copy it again.")]
    [InlineData(new byte[] { 1, 0, 0 }, "x is not a safetensors file: it has 3 bytes, at least 8 are needed; save or copy it again.")]
    [InlineData(new byte[] { 9, 0, 0, 0, 0, 0, 0, 0, 123, 125 }, "x is truncated: its header has 9 bytes, 2 are there; save or copy it again.")]
    [InlineData(new byte[] { 255, 255, 255, 255, 255, 255, 255, 255, 123, 125 }, "x is not a safetensors file: its header would have 18446744073709551615 bytes, 100000000 are allowed.")]
    [InlineData(new byte[] { 0, 0, 0, 0, 0, 0, 0, 0 }, "x is not a safetensors file: its header does not begin with an opening brace.")]
    public void A_file_without_a_whole_header_is_refused(byte[] bytes, string sentence)
    {
        Should.Throw<InputException>(() => SafetensorsReader.Parse(bytes, "x")).Message.ShouldBe(sentence);
    }

    [Fact]
    public void A_missing_file_is_refused_in_words()
    {
        Should.Throw<InputException>(() => SafetensorsReader.Open("/nowhere/a.safetensors")).Message.ShouldStartWith("/nowhere/a.safetensors cannot be opened: ");
    }

    [Fact]
    public void Ten_thousand_random_mutations_are_read_or_refused_but_never_crash()
    {
        var good = SafetensorsFileTests.Written(
            SafetensorsFileTests.Data("weight", SafetensorType.F32, [2, 3], new float[6]),
            SafetensorsFileTests.Data("ids", SafetensorType.I64, [4], new long[4]),
            SafetensorsFileTests.Data("flags", SafetensorType.U8, [5], new byte[5]));
        int refused = 0;

        for (int seed = 0; seed < 10_000; seed++)
        {
            var bytes = Mutated(good, new Random((int)seed));
            try
            {
                using var reader = SafetensorsReader.Parse(bytes, "x");
                foreach (var entry in reader.Entries)
                    reader.Bytes(entry.Name).Length.ShouldBe((int)entry.Length);
            }
            catch (InputException)
            {
                refused++;
            }
        }

        refused.ShouldBeInRange(5_000, 9_999);
    }

    private static byte[] Mutated(byte[] good, Random mutations)
    {
        var bytes = good.ToList();
        int changes = 1 + mutations.Next(4);
        for (int i = 0; i < changes; i++)
        {
            int place = mutations.Next(bytes.Count);
            switch (mutations.Next(4))
            {
                case 0: bytes[place] = (byte)mutations.Next(256); break;
                case 1: bytes[place] ^= (byte)(1 << mutations.Next(8)); break;
                case 2: bytes.RemoveAt(place); break;
                default: bytes.Insert(place, (byte)"0123456789[]{},:\""[mutations.Next(17)]); break;
            }
        }
        return bytes.ToArray();
    }

    private static byte[] File(string json, int dataLength)
    {
        var header = Encoding.UTF8.GetBytes(json);
        return [.. BitConverter.GetBytes((ulong)header.Length), .. header, .. new byte[dataLength]];
    }
}
